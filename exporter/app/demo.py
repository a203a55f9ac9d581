"""
The demo: a simulated Braze on loopback, and the daemon against it, in one process.

Decides how often the demo polls and the text it prints; everything else belongs to the daemon and the simulator.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from structlog.typing import FilteringBoundLogger

from exporter.app.daemon import IN_MEMORY, bind_server, serve, stop_on_signals
from exporter.app.exporter import Exporter
from exporter.app.sources import build_sources
from exporter.clock import SystemClock
from exporter.config.keys import FixedKey
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.config.render import render_config
from exporter.domain.past import HISTORY
from exporter.domain.settings import PollSettings, WorkspaceSettings
from exporter.metrics.self_metrics import SelfMetrics
from exporter.simulator.presets import begin_later_problems, populate, watched
from exporter.simulator.serve import BrazeApp, BrazeServer, listen
from exporter.simulator.style import Style
from exporter.simulator.world import World
from exporter.state.store import MemoryStore
from exporter.web.listen import ListenAddress

DEMO_SEED = 1
DEMO_INTERVAL_SECONDS = 10.0
STALE_AFTER_SECONDS = 60.0
QUIET_SECONDS = 45.0
"""Before some more problems begin."""


async def run_demo(
    addresses: tuple[str, ...],
    telemetry_path: str,
    log: FilteringBoundLogger,
    log_lines_dropped: Callable[[], int],
    *,
    say: Callable[[str], None],
    style: Style | None = None,
) -> None:
    """
    Serve a simulated Braze of that *style* on loopback, and run the daemon against it, until a signal comes.

    *say* prints the greeting. Raises as `run_daemon` does.
    """
    clock = SystemClock()
    world = World(DEMO_SEED, clock.now(), style=style)
    populate(world)
    stop = stop_on_signals()
    listener, braze = listen(), BrazeServer(BrazeApp(world, clock))
    port = listener.getsockname()[1]
    serving = asyncio.create_task(braze.serve(sockets=[listener]))
    try:
        config = demo_config(world, port)
        self_metrics = SelfMetrics(log_lines_dropped=log_lines_dropped)
        self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())
        self_metrics.state_persistent(False)
        exporter = Exporter(store=MemoryStore(), self_metrics=self_metrics, clock=clock, log=log)
        sources = build_sources(exporter, clock, lambda: render_config(config), None)
        server = bind_server(sources, addresses, telemetry_path, log)
        say(_demo_greeting(server.addresses[0], telemetry_path, port))  # before the log's first line
        asyncio.get_running_loop().call_later(QUIET_SECONDS, begin_later_problems, world)
        begin, about = partial(exporter.begin, config), {"config": "demo", "storage": IN_MEMORY}
        await serve(exporter, server, log, stop, begin=begin, tasks={}, about=about)
    finally:
        braze.should_exit = True
        await serving


def demo_config(world: World, port: int) -> Config:
    """Return the configuration of an operator who watches the demo's world."""
    return Config(
        tuple(
            ConfiguredWorkspace(
                WorkspaceSettings(
                    name=workspace.name,
                    rest_endpoint=f"http://127.0.0.1:{port}",
                    poll=PollSettings(
                        interval_seconds=DEMO_INTERVAL_SECONDS,
                        timeout_seconds=5.0,
                        stale_after_seconds=STALE_AFTER_SECONDS,
                    ),
                    integrations=watched(workspace),
                    history_seconds=HISTORY.total_seconds(),
                ),
                FixedKey(next(iter(workspace.keys))),
            )
            for workspace in world.workspaces.values()
        )
    )


def _demo_greeting(address: ListenAddress, telemetry_path: str, port: int) -> str:
    here = f"http://{address}" if address.host else f"http://127.0.0.1:{address.port}"
    return f"""
A simulated Braze runs on loopback port {port}, and the exporter polls it every {DEMO_INTERVAL_SECONDS:g} seconds.

  status page   {here}/
  metrics       {here}{telemetry_path}
  as JSON       {here}/api/v1/status

Watch integrations fail, hang and fall behind; more problems begin after {QUIET_SECONDS:g} seconds. Stop with Ctrl-C.
"""
