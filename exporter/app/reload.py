"""
Reloading the configuration: on SIGHUP, on request, and by itself when the file has changed.

Decides that a configuration with errors changes nothing, and that reloads happen one after the other. Each is logged
and shown by `braze_cdi_exporter_config_last_reload_successful`. Whoever asks for a reload means the web configuration
too; each of the two is taken or refused by itself, since a certificate that fails must not hold back a new workspace,
while the metric speaks of both.
"""

import asyncio
import os

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.config.errors import ConfigError
from exporter.config.files import ConfigWatch
from exporter.config.load import Config, load_config
from exporter.config.render import render_config
from exporter.web.security import Security

_KEPT = "Not reloaded; the old configuration keeps running."
_WEB_KEPT = "The web configuration was not reloaded; the old one stays."


class Reloader:
    """
    Loads the configuration anew for a running exporter.

    Args:
        path: The configuration file.
        config: What the exporter runs on now.
        watch: Made before that was loaded.
        exporter: Is given what was loaded.
        clock: For the metric.
        log: Is told of every reload.
        security: Is refreshed by those reloads that somebody asked for.

    """

    def __init__(
        self,
        *,
        path: str,
        config: Config,
        watch: ConfigWatch,
        exporter: Exporter,
        clock: Clock,
        log: FilteringBoundLogger,
        security: Security | None = None,
    ) -> None:
        self.config = config
        """The running one."""
        self._watch = watch
        self._path = path
        self._exporter = exporter
        self._security = security
        self._clock = clock
        self._log = log
        self._turn = asyncio.Lock()
        self._rendered: tuple[Config, str] | None = None
        self._exporter.self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())

    def render(self) -> str:
        """Return the running configuration as YAML, secrets hidden; a large one takes long, so it is kept."""
        if self._rendered is None or self._rendered[0] is not self.config:
            self._rendered = self.config, render_config(self.config)
        return self._rendered[1]

    async def reload(self) -> str | None:
        """Load both files, because somebody asked for it; return what does not run, and why, where that failed."""
        web = await self._security.refresh(asked=True) if self._security is not None else None
        troubles = ((_KEPT, await self._reload_config()), (_WEB_KEPT, web))
        return "\n".join(f"{kept}\n{reason}" for kept, reason in troubles if reason is not None) or None

    async def _reload_config(self) -> str | None:
        async with self._turn:
            try:
                config = await asyncio.to_thread(load_config, self._path, environ=os.environ)
            except ConfigError as error:
                self._exporter.self_metrics.config_loaded(successful=False, at_seconds=self._clock.now().timestamp())
                self._log.error("configuration not reloaded; the old one keeps running", errors=str(error))
                return str(error)
            await self._exporter.apply(config)
            self.config = config
            self._exporter.self_metrics.config_loaded(successful=True, at_seconds=self._clock.now().timestamp())
            self._log.info("configuration reloaded", workspaces=len(config.workspaces))
            return None

    async def watch(self, interval_seconds: float) -> None:
        """Reload whenever the file has changed, looking every *interval_seconds*."""
        while True:
            await asyncio.sleep(interval_seconds)
            if self._watch.changed():
                await self._reload_config()
