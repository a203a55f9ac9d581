"""
The simulated world of tests: faults strike its answers, its requests are counted, and it knows what really happened.

`truth` and `totals` are the ledger of it, to hold the exporter's counters against.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus, Totals
from exporter.simulator import api, world
from exporter.simulator.behaviour import INTEGRATION_PROBLEMS
from exporter.simulator.integration import Forced, SimulatedIntegration
from exporter.simulator.responses import PAGE_SIZE
from exporter.simulator.style import Style, floor_time
from exporter.simulator.workspace import WORKSPACE_PROBLEMS
from tests.faults import FaultBook
from tests.mutations import Answer


class World(world.World):
    def __init__(self, seed: int, start: datetime, *, style: Style | None = None) -> None:
        super().__init__(seed, start, style=style)
        self.faults = FaultBook()
        self.requests: defaultdict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
        """By workspace, how often each endpoint was asked with one of its keys, by the status that arrived."""
        self._revised: dict[tuple[str, int], tuple[Sync, Sync]] = {}
        """What was said first, and what is said instead, by integration and number."""
        self._summed: dict[str, tuple[Totals, int]] = {}
        """The sums over so many of an integration's syncs."""

    def rename_integration(self, integration_id: str, name: str) -> None:
        """Give an integration another name."""
        integration = self.integrations[integration_id]
        integration.name = name
        self.workspaces[integration.workspace].list_version += 1

    def clear(self, problem: str, target: str) -> None:
        """
        End a problem at the world's present; the arguments are those of `switch`. What it held up finishes now.

        Raises:
            KeyError: There is no such problem for such a target.

        """
        if problem in WORKSPACE_PROBLEMS:
            self.workspaces[target].problems.discard(problem)
            return
        if problem not in INTEGRATION_PROBLEMS:
            raise KeyError(f"no problem is called {problem}")
        integration = self._caught_up(target)
        integration.problems.discard(problem)
        if problem == "never_finishes" and integration._ends_at is not None:
            integration._ends_at = max(integration._ends_at, floor_time(self.now, self.style.quantum))
        integration._changed()
        integration.catch_up(self.now)

    def finish_sync(
        self,
        integration_id: str,
        *,
        word: str | None = None,
        rows_synced: int | None = None,
        rows_failed_with_errors: int | None = None,
        watermark: datetime | None = None,
    ) -> Sync:
        """
        End the running sync now, even one that would never finish. Values not given are left to its behaviour.

        Raises:
            ValueError: The integration is not running a sync.

        """
        integration = self._caught_up(integration_id)
        if not integration.running:
            raise ValueError(f"integration {integration.name} is not running a sync")
        integration._forced = Forced(word, rows_synced, rows_failed_with_errors, watermark)
        integration._finish(max(floor_time(self.now, self.style.quantum), integration.syncs[-1].sync_start_time))
        integration._changed()
        return integration.syncs[-1]

    def revise_sync(self, integration_id: str, number: int, **changes: Any) -> Sync:
        """
        Change an old record from now on: *changes* are fields of `Sync`.

        The truth stays as first reported. *number* counts from the oldest; -1 is the latest. A sync that still runs is
        told as it is again once it has ended.
        """
        integration = self._caught_up(integration_id)
        number %= len(integration.syncs)
        first = self._true_sync(integration, number)
        revised = integration.syncs[number] = replace(integration.syncs[number], **changes)
        self._revised[integration_id, number] = first, revised
        if revised.job_status is not SyncStatus.UNKNOWN:
            integration.words[number] = str(revised.job_status)
        integration.version += 1
        return revised

    def truth(self, integration_id: str) -> tuple[Sync, ...]:
        """Return every sync until now, oldest first, a running one included."""
        integration = self._caught_up(integration_id)
        return tuple(self._true_sync(integration, number) for number in range(len(integration.syncs)))

    def totals(self, integration_id: str) -> Totals:
        """
        Return the sums over all finished syncs until now.

        An exporter must have counted the increase of this since it first saw the integration.
        """
        integration = self._caught_up(integration_id)
        totals, number = self._summed.get(integration_id, (Totals(), 0))
        finished = len(integration.syncs) - integration.running
        for each in range(number, finished):
            totals = _add(totals, self._true_sync(integration, each))
        self._summed[integration_id] = totals, finished
        return totals

    def _true_sync(self, integration: SimulatedIntegration, number: int) -> Sync:
        told = integration.syncs[number]
        first, revised = self._revised.get((integration.integration_id, number), (told, None))
        return first if told is revised else told

    def _caught_up(self, integration_id: str) -> SimulatedIntegration:
        integration = self.integrations[integration_id]
        integration.catch_up(self.now)
        return integration


def _add(totals: Totals, sync: Sync) -> Totals:
    syncs = list(totals.syncs)
    syncs[FINISHED_STATUSES.index(sync.job_status)] += 1
    return Totals(
        tuple(syncs),
        totals.rows_synced + (sync.rows_synced or 0),
        totals.rows_failed_with_errors + (sync.rows_failed_with_errors or 0),
        totals.duration_seconds + (sync.duration_seconds or 0.0),
    )


def handle(  # noqa: PLR0917 - as the function that it wraps
    world: World, now: datetime, method: str, path: str, query: str, headers: Mapping[str, str]
) -> Answer:
    """Answer one request as Braze does, and let the world's faults strike the answer."""
    good = api.handle(world, now, method, path, query, headers)
    answer = Answer(good.status, good.headers, good.body)
    endpoint, integration_id = api._route(path)
    if not endpoint or good.status == 405:
        return answer
    scheme, _, key = headers.get("authorization", "").partition(" ")
    workspace = world.workspace_of(key) if scheme.lower() == "bearer" else None
    name = "" if workspace is None else workspace.name
    if world.faults:
        offset = api._offset(query)
        page = -1 if offset is None else offset // PAGE_SIZE
        answer = world.faults.strike(
            answer, workspace=name, endpoint=endpoint, integration_id=integration_id, page=page
        )
    if workspace is not None:
        world.requests[name][endpoint, answer.status] += 1
    return replace(answer, headers={"date": good.headers["date"], **answer.headers})
