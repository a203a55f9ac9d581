"""
Reloading the configuration: on SIGHUP, on request, and by itself when the file has changed.

Decides that a configuration with mistakes changes nothing, and that reloads happen one after the other. Each is logged
and shown by `braze_cdi_exporter_config_last_reload_successful`.
"""

import asyncio
import os

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.clock import Clock
from exporter.config.load import Config, load_config
from exporter.config.mistakes import ConfigError
from exporter.config.render import render_config
from exporter.config.watch import ConfigWatch


class Reloader:
    """Loads the configuration file at *path* again, for an exporter that runs on *config* now."""

    def __init__(self, path: str, config: Config, exporter: Exporter, clock: Clock, log: FilteringBoundLogger) -> None:
        self.config = config
        """The running one."""
        self._watch = ConfigWatch(path)
        self._path = path
        self._exporter = exporter
        self._clock = clock
        self._log = log
        self._turn = asyncio.Lock()
        self._rendered: tuple[Config, str] | None = None
        self._exporter.own.config_loaded(successful=True, at_seconds=clock.now().timestamp())

    def render(self) -> str:
        """Return the running configuration as YAML, secrets hidden; a large one takes long, so it is kept."""
        if self._rendered is None or self._rendered[0] is not self.config:
            self._rendered = self.config, render_config(self.config)
        return self._rendered[1]

    async def reload(self) -> str | None:
        """Load the file and run on it; return why not, where that failed."""
        async with self._turn:
            try:
                config = await asyncio.to_thread(load_config, self._path, environ=os.environ)
            except ConfigError as error:
                self._exporter.own.config_loaded(successful=False, at_seconds=self._clock.now().timestamp())
                self._log.error("configuration not reloaded; the old one keeps running", mistakes=str(error))
                return str(error)
            await self._exporter.apply(config)
            self.config = config
            self._exporter.own.config_loaded(successful=True, at_seconds=self._clock.now().timestamp())
            self._log.info("configuration reloaded", workspaces=len(config.workspaces))
            return None

    async def watch(self, interval_seconds: float) -> None:
        """Reload whenever the file has changed, looking every *interval_seconds*."""
        while True:
            await asyncio.sleep(interval_seconds)
            if self._watch.changed():
                await self.reload()
