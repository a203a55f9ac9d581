"""
What keeping states means, whatever they are kept on; and how it is done in memory.

A store gives back all states of a workspace at the start, and takes each one again before what has changed is shown.
The past of an integration is beside its state, and is read only when it is needed: those of all would fill the memory.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from exporter.domain.integration_state import IntegrationState
from exporter.domain.model import Sync
from exporter.domain.past import Past
from exporter.state.pasts import Progress, StoredPast

Key = tuple[str, str]
"""Workspace and integration id."""

KEPT_FOR = timedelta(days=30)
"""How long a state is kept of which nothing has been learned and that is not watched, in case it returns."""


class Store(Protocol):
    """Keeps states. No method ever raises: a store that cannot keep what it is given reports that by other means."""

    @property
    def losses(self) -> int:
        """Return how often pasts may have been lost, wholly or in part: outlines read before are no longer true."""

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        """Return the states of a workspace by integration id."""

    def commit(self, workspace: str, integration_id: str, state: IntegrationState, syncs: Iterable[Sync] = ()) -> None:
        """Keep a state in place of the one before, add *syncs* to the past; when this returns, it may be shown."""

    def forget(self, workspace: str, integration_id: str) -> None:
        """Drop a state and its past for good."""

    def load_past(self, workspace: str, integration_id: str) -> StoredPast:
        """Return the past of an integration, empty where there is none or it cannot be read."""

    def load_outlines(self, workspace: str) -> Mapping[str, StoredPast]:
        """Return all pasts of a workspace by integration id, without their syncs: small, and soon read."""

    def add_to_past(
        self, workspace: str, integration_id: str, syncs: Iterable[Sync], progress: Progress | None = None
    ) -> None:
        """Add finished syncs to a past, and how far it has been read."""

    def keep_learned(self, workspace: str, integration_id: str, learned: bytes, at: datetime) -> None:
        """Keep what was learned at a time, in place of what was learned before."""


class Storage(Store, Protocol):
    """A store with its housekeeping, for whom it was opened. Nothing here but `start` raises either."""

    def start(self) -> None:
        """
        Read all states, which takes long where they are many.

        Raises:
            StorageInUseError: Another exporter has the path.

        """

    def forget_older(self, now: datetime, in_use: Container[Key]) -> object:
        """Drop states of which nothing has been learned for KEPT_FOR, except those *in_use*."""

    def shrink(self) -> Iterator[None]:
        """Give space that is no longer needed back, step by step; between two steps anything may happen."""

    def look_after(self) -> None:
        """Have what was committed on disk as soon as that is possible again. To be called every few seconds."""

    def close(self) -> None:
        """Let go of the disk. What is committed afterwards is not kept."""


class Report(Protocol):
    """Where the store says how it fares."""

    def state_persistent(self, value: bool) -> None:
        """Whether what is committed is on disk."""

    def state_write_failed(self) -> None:
        """The disk was tried, and failed; or the file on it was damaged."""


class MemoryStore:
    """States that are gone with the process: every integration is seen for the first time after a restart."""

    losses = 0

    def __init__(self) -> None:
        self._states: dict[str, dict[str, IntegrationState]] = {}
        self.pasts: dict[Key, StoredPast] = {}

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        """Return a copy."""
        return dict(self._states.get(workspace, {}))

    def commit(self, workspace: str, integration_id: str, state: IntegrationState, syncs: Iterable[Sync] = ()) -> None:
        self._states.setdefault(workspace, {})[integration_id] = state
        self.add_to_past(workspace, integration_id, syncs)

    def forget(self, workspace: str, integration_id: str) -> None:
        self._states.get(workspace, {}).pop(integration_id, None)
        self.pasts.pop((workspace, integration_id), None)

    def load_past(self, workspace: str, integration_id: str) -> StoredPast:
        return self.pasts.get((workspace, integration_id), StoredPast())

    def load_outlines(self, workspace: str) -> Mapping[str, StoredPast]:
        return {key[1]: replace(stored, past=Past()) for key, stored in self.pasts.items() if key[0] == workspace}

    def add_to_past(
        self, workspace: str, integration_id: str, syncs: Iterable[Sync], progress: Progress | None = None
    ) -> None:
        known = self.load_past(workspace, integration_id)
        stored = replace(known, past=known.past.extend(syncs), progress=progress or known.progress)
        if stored != known:
            self.pasts[workspace, integration_id] = stored

    def keep_learned(self, workspace: str, integration_id: str, learned: bytes, at: datetime) -> None:
        known = self.load_past(workspace, integration_id)
        self.pasts[workspace, integration_id] = replace(known, learned=learned, learned_at=at)

    def unread_pasts(self) -> None:
        """Take no past for read any more."""
        self.pasts = {key: replace(stored, progress=Progress()) for key, stored in self.pasts.items()}

    def get(self, key: Key) -> IntegrationState | None:
        workspace, integration_id = key
        return self._states.get(workspace, {}).get(integration_id)

    def items(self) -> Iterator[tuple[Key, IntegrationState]]:
        """All states of all workspaces."""
        for workspace, states in self._states.items():
            for integration_id, state in states.items():
                yield (workspace, integration_id), state

    def forget_older(self, now: datetime, in_use: Container[Key]) -> tuple[Key, ...]:
        """Return which states were dropped."""
        old = tuple(
            key
            for key, state in self.items()
            if now - (state.judged_at or state.first_seen_at) > KEPT_FOR and key not in in_use
        )
        for key in old:
            self.forget(*key)
        return old

    def shrink(self) -> Iterator[None]:
        """Nothing to give back."""
        return iter(())

    def start(self) -> None:
        """Nothing to read."""

    def look_after(self) -> None:
        """Nothing to look after."""

    def close(self) -> None:
        """Nothing to let go of."""
