"""
What keeping ledgers means, whatever they are kept on.

An account is what is known of one integration beyond a restart. A store gives back all accounts of a workspace at the
start and takes each one again after a poll, before its figures are shown.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from exporter.domain.ledger import Ledger

Key = tuple[str, str]
"""Workspace and integration id."""

KEPT_FOR = timedelta(days=30)
"""How long an account is kept of which nobody has heard and that nobody asks for, in case its integration returns."""

BY_ANNOUNCEMENT = "announcement"


class Properties(NamedTuple):
    """How Braze's list last described an integration, so that a restart shows the same labels at once."""

    integration_name: str
    integration_type: str
    warehouse_type: str
    app_group_id: str
    integration_status: str = ""
    """So that a paused integration is not taken for an overdue one; absent from older files."""
    expected_by: str = ""
    """BY_ANNOUNCEMENT where the list has announced the expected run; empty in older files."""


@dataclass(frozen=True, slots=True)
class Account:
    """One integration's ledger, and the little beside it that must outlive the process."""

    ledger: Ledger
    heard_at: datetime
    """When Braze last told anything of it."""
    expected_run_at: datetime | None = None
    """The run that no sync has met yet."""
    properties: Properties | None = None
    """None while no list has shown it, or since the list shows it no more."""


class Store(Protocol):
    """Keeps accounts. Neither method ever raises: a store that cannot keep what it is given says so by other means."""

    def load(self, workspace: str) -> Mapping[str, Account]:
        """Return the accounts of a workspace by integration id."""

    def commit(self, workspace: str, integration_id: str, account: Account) -> None:
        """Keep an account in place of the one before; when this returns, it may be shown."""


class Storage(Store, Protocol):
    """A store with its housekeeping, for who opened it. Nothing here raises either."""

    def forget_older(self, now: datetime, in_use: Container[Key]) -> object:
        """Drop accounts last heard of more than KEPT_FOR ago, except those *in_use*, however long Braze is silent."""

    def close(self) -> None:
        """Let go of the disk. What is committed afterwards is not kept."""
