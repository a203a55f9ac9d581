"""
What keeping states means, whatever they are kept on; and how it is done in memory.

A store gives back all states of a workspace at the start, and takes each one again before what has changed is shown.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from exporter.domain.integration_state import IntegrationState

Key = tuple[str, str]
"""Workspace and integration id."""

KEPT_FOR = timedelta(days=30)
"""How long a state is kept of which nothing has been learned and that is not watched, in case it returns."""


class Store(Protocol):
    """Keeps states. No method ever raises: a store that cannot keep what it is given reports that by other means."""

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        """Return the states of a workspace by integration id."""

    def commit(self, workspace: str, integration_id: str, state: IntegrationState) -> None:
        """Keep a state in place of the one before; when this returns, it may be shown."""

    def forget(self, workspace: str, integration_id: str) -> None:
        """Drop a state for good."""


class Storage(Store, Protocol):
    """A store with its housekeeping, for whom it was opened. Nothing here raises either."""

    def forget_older(self, now: datetime, in_use: Container[Key]) -> object:
        """Drop states of which nothing has been learned for KEPT_FOR, except those *in_use*."""

    def shrink(self) -> Iterator[None]:
        """Give space that is no longer needed back, step by step; between two steps anything may happen."""

    def close(self) -> None:
        """Let go of the disk. What is committed afterwards is not kept."""


class MemoryStore:
    """States that are gone with the process: every integration is seen for the first time after a restart."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, IntegrationState]] = {}

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        """Return a copy."""
        return dict(self._states.get(workspace, {}))

    def commit(self, workspace: str, integration_id: str, state: IntegrationState) -> None:
        self._states.setdefault(workspace, {})[integration_id] = state

    def forget(self, workspace: str, integration_id: str) -> None:
        self._states.get(workspace, {}).pop(integration_id, None)

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

    def close(self) -> None:
        """Nothing to let go of."""
