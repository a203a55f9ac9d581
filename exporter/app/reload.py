"""
Reloading the configuration: on SIGHUP, on request, and when the file or one of authorities has changed.

Decides that a configuration with errors changes nothing, nor one that cannot be applied for whatever reason, and that
reloads happen one after the other. Each is logged and shown by `braze_cdi_exporter_config_last_reload_successful`. A
requested reload includes the web configuration; each of the two is applied or rejected on its own, since a bad
certificate must not hold back a new workspace, while the metric covers both. A changed file that is rejected is tried
again at every look: what it names, such as a key file, may come after it. The same reason is then logged once.
"""

import asyncio
import os

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter, ExporterClosedError
from exporter.clock import Clock
from exporter.config.errors import ConfigError
from exporter.config.files import ConfigWatch
from exporter.config.load import Config, load_config
from exporter.config.network import are_renewed
from exporter.config.render import render_config
from exporter.web.security import Security
from exporter.worker import Worker

_KEPT = "Not reloaded; the old configuration keeps running."
_WEB_KEPT = "The web configuration was not reloaded; the old one stays."


class Reloader:
    """
    Reloads the configuration of a running exporter.

    Args:
        path: The configuration file.
        config: The one in use.
        watch: Created before *config* was loaded.
        exporter: Receives each new configuration.
        clock: For the metric.
        log: For every reload.
        security: Refreshed by requested reloads.

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
        self._worker = Worker("reload")
        self._rendered: tuple[Config, str] | None = None
        self._rejected: str | None = None
        """Why the latest configuration was; None where it was not."""
        self._exporter.self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())

    async def begin(self) -> None:
        """Apply the first configuration; a reload waits for that."""
        async with self._turn:
            await self._exporter.begin(self.config)

    def render(self) -> str:
        """Return the running configuration as YAML, secrets hidden; a large one takes long, so it is kept."""
        if self._rendered is None or self._rendered[0] is not self.config:
            self._rendered = self.config, render_config(self.config)
        return self._rendered[1]

    async def reload(self) -> str | None:
        """Reload both files on request; return which was rejected, and why, or None."""
        web = await self._security.refresh(asked=True) if self._security is not None else None
        rejected = ((_KEPT, await self._reload_config()), (_WEB_KEPT, web))
        return "\n".join(f"{kept}\n{reason}" for kept, reason in rejected if reason is not None) or None

    async def _reload_config(self, *, asked: bool = True) -> str | None:
        async with self._turn:
            try:
                config = await self._worker.run(lambda: load_config(self._path, environ=os.environ, again=True))
                self._exporter.apply(config)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing has changed, and that must be reported
                return self._failed(error, asked=asked)
            self.config, self._rejected = config, None
            self._exporter.self_metrics.config_loaded(successful=True, at_seconds=self._clock.now().timestamp())
            self._log.info("configuration reloaded", workspaces=len(config.workspaces))
            return None

    def _failed(self, error: Exception, *, asked: bool) -> str:
        known = isinstance(error, (ConfigError, ExporterClosedError, OSError))
        reason = str(error) if known else f"a defect of the exporter, shown in its log: {type(error).__name__}: {error}"
        self._exporter.self_metrics.config_loaded(successful=False, at_seconds=self._clock.now().timestamp())
        if asked or reason != self._rejected:
            self._log.error(
                "configuration not reloaded; the old one keeps running",
                errors=reason,
                exc_info=None if known else error,
            )
        self._rejected = reason
        return reason

    async def watch(self, interval_seconds: float) -> None:
        """Reload whenever the file or its authorities have changed, or it was rejected, every *interval_seconds*."""
        while True:
            await asyncio.sleep(interval_seconds)
            changed, workspaces = self._watch.changed(), self.config.workspaces
            if changed or self._rejected is not None or are_renewed(one.network for one in workspaces):
                await self._reload_config(asked=changed)
