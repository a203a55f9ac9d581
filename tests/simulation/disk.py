"""
The accounts on disk, as they outlive the exporter's processes, and the moments at which a process may be killed.

A killed process does nothing any more: whatever of it still runs in the event loop is stopped at its next commit or
request, so that nothing it does can reach the disk or Braze.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.domain.model import Totals
from exporter.state.store import Account, Storage


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

    accounts: dict[str, Account] = field(default_factory=dict)
    told: dict[str, Totals] = field(default_factory=dict)
    """What had been finished at the newest answer to a first page."""
    at_first_sight: dict[str, Totals] = field(default_factory=dict)
    """What must never be counted."""

    def note(self, integration_id: str, account: Account) -> None:
        if integration_id not in self.accounts:
            self.at_first_sight[integration_id] = self.told[integration_id]
        self.accounts[integration_id] = account


class DiskOfOneLife:
    """The store as one process sees it."""

    def __init__(self, storage: Storage, life: Life, kept: Kept) -> None:
        self._storage = storage
        self._life = life
        self._kept = kept

    def load(self, workspace: str) -> Mapping[str, Account]:
        return self._storage.load(workspace)

    def commit(self, workspace: str, integration_id: str, account: Account) -> None:
        self._life.before_commit()
        self._storage.commit(workspace, integration_id, account)
        self._kept.note(integration_id, account)
        self._life.note_commit()
