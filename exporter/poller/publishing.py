"""
Keeping what is known of an integration, and then showing it: in this order, always.

Decides what is committed and when a snapshot is published; there is no await in here, so a page is never torn. An
account is committed when it has changed, and now and then when it has not, so that after a restart one knows when
Braze was last heard.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from exporter.clock import Clock
from exporter.domain.errors import PollError
from exporter.domain.ledger import Ledger
from exporter.domain.model import Failure, Integration, Snapshot
from exporter.domain.settings import WorkspaceSettings
from exporter.metrics.page import Page
from exporter.poller.watched import Watched
from exporter.state.store import Account, Store

_REKEEP_SHARE = 4
"""An account that does not change is committed again after this part of `stale_after`."""


class Publisher:
    """Keeps and shows the integrations of one workspace."""

    def __init__(self, settings: WorkspaceSettings, store: Store, page: Page, clock: Clock) -> None:
        self._workspace = settings.name
        self._stale_after = timedelta(seconds=settings.poll.stale_after_seconds)
        self._store = store
        self._page = page
        self._clock = clock
        self._accounts: dict[str, Account] = dict(store.load(settings.name))

    def remembered(self) -> Iterator[Integration]:
        """The integrations that the list showed before the process began, under the names it had for them."""
        for integration_id, account in self._accounts.items():
            if account.properties is not None:
                name = account.properties.integration_name or integration_id
                yield Integration(self._workspace, integration_id, name)

    def open(self, watched: Watched, carried: Snapshot | None) -> None:
        """
        Show an integration for the first time, with what is known of it from before.

        Args:
            watched: Newly under watch.
            carried: What was shown of it before the configuration was reloaded.

        """
        account = self._accounts.get(watched.integration_id)
        if account is not None:
            watched.snapshot = replace(
                watched.snapshot,
                stale_at=account.heard_at + self._stale_after,
                expected_run_at=account.expected_run_at,
            )
            if account.properties is not None:
                watched.take_properties(account.properties)
            watched.take_account(account, self._clock.now())
        if carried is not None:
            watched.snapshot = replace(
                watched.snapshot,
                up=carried.up,
                failure=carried.failure,
                last_poll_at=carried.last_poll_at,
                last_poll_success_at=carried.last_poll_success_at,
            )
        self._page.publish(watched.snapshot)

    def heard(self, watched: Watched, ledger: Ledger, now: datetime) -> None:
        """Keep what Braze has told of an integration, by whichever endpoint; *ledger* may be the one already known."""
        known = watched.account
        if known is None or known.ledger is not ledger:
            watched.take_account(Account(ledger, now), now)
        watched.snapshot = replace(watched.snapshot, stale_at=now + self._stale_after)
        account = Account(ledger, now, watched.snapshot.expected_run_at, watched.described)
        fresh = known is not None and abs(now - known.heard_at) < self._stale_after / _REKEEP_SHARE
        if known is not None and fresh and replace(known, heard_at=now) == account:
            return
        self._keep(watched, account)

    def close_poll(self, watched: Watched, error: PollError | None, now: datetime) -> None:
        """Note how a poll has ended."""
        if error is None:
            watched.snapshot = replace(
                watched.snapshot, up=True, last_poll_at=now, last_poll_success_at=now, failure=None
            )
        else:
            failure = Failure(error.reason, str(error), now)
            watched.snapshot = replace(watched.snapshot, up=False, last_poll_at=now, failure=failure)

    def show(self, watched: Watched, turn: float | None = None) -> None:
        """Publish, with the next turn (monotonic seconds) where it has changed."""
        if turn is not None:
            wait = timedelta(seconds=turn - self._clock.monotonic())
            watched.snapshot = replace(watched.snapshot, next_poll_at=self._clock.now() + wait)
        self._page.publish(watched.snapshot)

    def withdraw(self, watched: Watched) -> None:
        """Take an integration off the page. Its account stays with the store, as one that is not shown by itself."""
        self._page.withdraw(self._workspace, watched.integration_id)
        if watched.account is not None:
            self._keep(watched, replace(watched.account, properties=None))

    def _keep(self, watched: Watched, account: Account) -> None:
        """Commit an account; it is also what a returning integration goes on with."""
        watched.account = account
        self._accounts[watched.integration_id] = account
        self._store.commit(self._workspace, watched.integration_id, account)
