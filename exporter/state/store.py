"""
What keeping ledgers means, whatever they are kept on.

An account is what is known of one integration beyond a restart. A store gives back all accounts of a workspace at the
start and takes each one again after a poll, before its figures are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exporter.domain.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Account:
    """One integration's ledger, and when Braze was last heard about it."""

    ledger: Ledger
    heard_at: datetime


class Store(Protocol):
    """Keeps accounts. Neither method ever raises: a store that cannot keep what it is given says so by other means."""

    def load(self, workspace: str) -> Mapping[str, Account]:
        """Return the accounts of a workspace by integration id."""

    def commit(self, workspace: str, integration_id: str, account: Account) -> None:
        """Keep an account in place of the one before; when this returns, it may be shown."""
