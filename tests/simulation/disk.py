"""
The states on disk, as they outlive the exporter's processes, and the moments at which a process may be killed.

A killed process does nothing any more: whatever of it still runs in the event loop is stopped at its next commit or
request, so that nothing it does can reach the disk or Braze.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.domain.integration_state import IntegrationState
from exporter.domain.ledger import Ledger
from exporter.domain.model import Sync, Totals
from exporter.state.pasts import Progress, StoredPast
from exporter.state.store import Storage


class KilledError(BaseException):
    """The process is dead. Not an Exception: nothing in a process survives its end."""


@dataclass(slots=True)
class Life:
    """One process, from its start to its end."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    kill_after_requests: int | None = None
    kill_before_commits: int | None = None
    kill_after_commits: int | None = None

    def kill(self) -> None:
        self.ended.set()

    def check(self) -> None:
        """Go no further if the process is dead."""
        if self.ended.is_set():
            raise KilledError

    def note_request(self) -> None:
        self.kill_after_requests = self._count_down(self.kill_after_requests)

    def note_commit(self) -> None:
        self.kill_after_commits = self._count_down(self.kill_after_commits)

    def before_commit(self) -> None:
        self.kill_before_commits = self._count_down(self.kill_before_commits)

    def _count_down(self, left: int | None) -> int | None:
        self.check()
        if left == 0:
            self.kill()
            raise KilledError
        return None if left is None else left - 1


@dataclass(slots=True)
class Kept:
    """What all lives together have committed, and what had finished when each integration was first seen."""

    states: dict[str, IntegrationState] = field(default_factory=dict)
    told: dict[str, Totals] = field(default_factory=dict)
    """What had been finished at the latest answer to a first page."""
    at_first_sight: dict[str, Totals] = field(default_factory=dict)
    """What must never be counted."""

    def ledger(self, integration_id: str) -> Ledger | None:
        """What has been counted of an integration, once its own endpoint has answered."""
        state = self.states.get(integration_id)
        return None if state is None else state.ledger

    @property
    def ledgers(self) -> dict[str, Ledger]:
        """All that there are, by integration id."""
        return {key: state.ledger for key, state in self.states.items() if state.ledger is not None}

    def note(self, integration_id: str, state: IntegrationState) -> None:
        if state.ledger is not None and self.ledger(integration_id) is None:
            self.at_first_sight[integration_id] = self.told[integration_id]
        self.states[integration_id] = state

    def forget(self, integration_id: str) -> None:
        self.states.pop(integration_id, None)


class DiskOfOneLife:
    """The store as one process sees it."""

    def __init__(self, storage: Storage, life: Life, kept: Kept) -> None:
        self._storage = storage
        self._life = life
        self._kept = kept

    @property
    def losses(self) -> int:
        return self._storage.losses

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        return self._storage.load(workspace)

    def commit(self, workspace: str, integration_id: str, state: IntegrationState, syncs: Iterable[Sync] = ()) -> None:
        self._life.before_commit()
        self._storage.commit(workspace, integration_id, state, syncs)
        self._kept.note(integration_id, state)
        self._life.note_commit()

    def load_past(self, workspace: str, integration_id: str) -> StoredPast:
        return self._storage.load_past(workspace, integration_id)

    def load_outlines(self, workspace: str) -> Mapping[str, StoredPast]:
        return self._storage.load_outlines(workspace)

    def add_to_past(
        self, workspace: str, integration_id: str, syncs: Iterable[Sync], progress: Progress | None = None
    ) -> None:
        self._life.before_commit()
        self._storage.add_to_past(workspace, integration_id, syncs, progress)
        self._life.note_commit()

    def keep_learned(self, workspace: str, integration_id: str, learned: bytes, at: datetime) -> None:
        self._life.before_commit()
        self._storage.keep_learned(workspace, integration_id, learned, at)
        self._life.note_commit()

    def forget(self, workspace: str, integration_id: str) -> None:
        self._life.before_commit()
        self._storage.forget(workspace, integration_id)
        self._kept.forget(integration_id)
        self._life.note_commit()
