"""Accounts in memory: gone with the process, so every integration is seen for the first time after a restart."""

from collections.abc import Mapping

from exporter.state.store import Account


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
