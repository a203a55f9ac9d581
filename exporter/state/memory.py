"""Accounts in memory: gone with the process, so every integration is seen for the first time after a restart."""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime

from exporter.state.store import KEPT_FOR, Account, Key


class MemoryStore:
    """A store for runs that need no tomorrow, and for those that have lost their disk."""

    def __init__(self) -> None:
        self._accounts: dict[str, dict[str, Account]] = {}

    def load(self, workspace: str) -> Mapping[str, Account]:
        """Return a copy of the accounts of a workspace by integration id."""
        return dict(self._accounts.get(workspace, {}))

    def commit(self, workspace: str, integration_id: str, account: Account) -> None:
        """Keep an account in place of the one before."""
        self._accounts.setdefault(workspace, {})[integration_id] = account

    def get(self, key: Key) -> Account | None:
        workspace, integration_id = key
        return self._accounts.get(workspace, {}).get(integration_id)

    def items(self) -> Iterator[tuple[Key, Account]]:
        """All accounts of all workspaces."""
        for workspace, accounts in self._accounts.items():
            for integration_id, account in accounts.items():
                yield (workspace, integration_id), account

    def forget_older(self, now: datetime, in_use: Container[Key]) -> tuple[Key, ...]:
        """Drop accounts last heard of more than KEPT_FOR ago and not *in_use*; return which."""
        old = tuple(key for key, account in self.items() if now - account.heard_at > KEPT_FOR and key not in in_use)
        for workspace, integration_id in old:
            del self._accounts[workspace][integration_id]
        return old

    def close(self) -> None:
        """Nothing to let go of."""
