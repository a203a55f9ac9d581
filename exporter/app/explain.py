"""
`explain` and `support-bundle`: why integrations are judged and polled as they are, as their JSON has it.

The documents come from a running exporter or, where none answers, from a copy of the state and the configuration: the
same poller that the daemon has is made ready for it, and never polls. Nothing is written, and Braze is not asked.
"""

import json
from collections.abc import Callable, Iterable

from structlog.typing import FilteringBoundLogger

from exporter.app.exporter import Exporter
from exporter.app.histories import state_of_the_daemon
from exporter.app.running import Document, RunningExporter
from exporter.app.sources import find_integration
from exporter.app.storage import copied
from exporter.clock import SystemClock
from exporter.config.load import Config
from exporter.domain.view import View
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.store import MemoryStore
from exporter.web.integration_json import render_integration_json


def explain_running(exporter: RunningExporter, wanted: str) -> list[Document]:
    """
    Return the documents of the integrations with the id or name *wanted*.

    Raises:
        NoExporterError: No exporter answers.

    """
    found = [(workspace, one["id"]) for workspace, one in exporter.integrations() if wanted in {one["id"], one["name"]}]
    return [exporter.integration(*each) for each in found]


async def explain_stored(
    config: Config,
    storage_path: str,
    choose: Callable[[Iterable[View]], Iterable[View]],
    say: Callable[[str], None],
    log: FilteringBoundLogger,
) -> list[Document]:
    """
    Return the documents of the integrations that *choose* takes, from the configuration and a copy of the state.

    What cannot be read is *say*'s to tell.
    """
    with state_of_the_daemon(storage_path, say) as state:
        store = MemoryStore() if state is None else copied(state)
    exporter = Exporter(store=store, self_metrics=SelfMetrics(), clock=SystemClock(), log=log)
    pollers = exporter.prepare(config)
    found = []
    for view in choose(view for poller in pollers for view in poller.views):
        status = find_integration(pollers, f"{view.integration.workspace}/{view.integration.integration_id}")
        found += [] if status is None else [json.loads(render_integration_json(status))]
    await exporter.close()
    return found


def choose_named(wanted: str) -> Callable[[Iterable[View]], Iterable[View]]:
    """Return who takes the integrations with the id or name *wanted*."""
    return lambda views: (
        view for view in views if wanted in {view.integration.integration_id, view.integration.integration_name}
    )
