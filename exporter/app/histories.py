"""
The past syncs of integrations, for `backfill` and `replay`: from Braze, and from the state of the daemon.

Decides which pages are asked for: none whose syncs the state has already, and one that fails or comes short again.
Nothing is written.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import copyfile

from exporter.braze.api import Api, Fetched
from exporter.braze.link import Cursor
from exporter.config.load import ConfiguredWorkspace
from exporter.domain.decode import DecodedSyncs
from exporter.domain.errors import BadRequestError, PayloadError, PollError
from exporter.domain.model import Integration, Sync, SyncStatus, one_record_each
from exporter.domain.past import MOST, Run, to_moment, to_run
from exporter.state.connect import SUFFIXES
from exporter.state.errors import StateFileError
from exporter.state.pasts import StoredPast
from exporter.state.sqlite import FILE_NAME
from exporter.state.statefile import StateFile

_ATTEMPTS = 5
_PAGE = 10
WAITS_SECONDS = (2.0, 10.0, 30.0)
"""Before a page that failed or came short is asked for again."""
LONGEST = 100_000
"""Syncs of one integration that are read, at the most."""


class _Pages:
    """The pages of one integration, each asked for until it comes whole, or WAITS_SECONDS are used up."""

    def __init__(self, api: Api, integration_id: str, cursor: Cursor | None = None) -> None:
        self._api = api
        self._integration_id = integration_id
        self._cursor = cursor
        self._read: set[Cursor | None] = set()

    async def read(self) -> Fetched[DecodedSyncs]:
        """
        Return the next page; do not call it after the last.

        Raises:
            PollError: It did not come, or the pages go round in circles.

        """
        if self._cursor in self._read:
            raise PayloadError(f"page {len(self._read):,} links back to one already read")
        for wait in (*WAITS_SECONDS, None):
            try:
                page = await self._api.syncs(self._integration_id, cursor=self._cursor).read()
            except PollError as error:
                if wait is None or not error.retryable or error.held_seconds is not None:
                    raise
            else:
                if wait is None or page.last or page.decoded.full:
                    break
            await asyncio.sleep(wait)
        self._read.add(self._cursor)
        self._cursor = page.next_cursor
        return page if len(self._read) < LONGEST // _PAGE else replace(page, next_cursor=None)


async def read_history(api: Api, integration_id: str, since: datetime, first: datetime) -> tuple[Sync, ...]:
    """
    Return the syncs of an integration, the oldest first, with one that still runs.

    Args:
        api: Of its workspace.
        integration_id: Whose.
        since: From here on all are wanted; before it no more than are learned from.
        first: Only those that started later.

    Raises:
        PollError: A page could not be read: half a history would pass for a whole one.

    """
    found: dict[datetime, Sync] = {}
    pages, last, before = _Pages(api, integration_id), False, 0
    while not last:
        page = await pages.read()
        syncs = page.decoded.syncs
        found.update((start, sync) for start, sync in one_record_each(syncs).items() if _is_of_use(sync))
        before += sum(sync.sync_start_time < since for sync in syncs)
        last = page.last or before >= MOST or any(sync.sync_start_time <= first for sync in syncs)
    return tuple(found[start] for start in sorted(found) if start > first)


async def read_past(api: Api, integration_id: str, stored: StoredPast, since: datetime, first: datetime) -> list[Run]:
    """
    Return the syncs of an integration, oldest first, as far as they are of use, with one that still runs.

    Args:
        api: Of its workspace.
        integration_id: Whose.
        stored: What the state has; these syncs are not asked for again.
        since: From here on all are wanted; before it no more than are learned from.
        first: Syncs that started earlier are of no use.

    Raises:
        PollError: A page could not be read.

    """
    found = {run.start: run for run in stored.past.runs}
    latest = max(found, default=None)
    whole = stored.progress.done and len(found) < MOST
    pages, last, bridged = _Pages(api, integration_id), False, latest is None
    cursor = stored.progress.cursor
    while not last:
        try:
            page = await pages.read()
        except BadRequestError:
            if not bridged or cursor is None:
                raise
            pages, cursor = _Pages(api, integration_id), None  # the cursor of the daemon has expired
            continue
        runs = [to_run(sync) for sync in one_record_each(page.decoded.syncs).values() if _is_of_use(sync)]
        found |= {run.start: run for run in runs}
        last = page.last
        if not bridged and latest is not None and min((run.start for run in runs), default=latest + 1) <= latest:
            bridged, last = True, last or whole
            if cursor is not None:  # goes on where the daemon has stopped reading
                pages = _Pages(api, integration_id, cursor)
        last = last or (bridged and _is_enough(found, since, first))
    return [found[start] for start in sorted(found) if to_moment(start) >= first]


def _is_of_use(sync: Sync) -> bool:
    """Whether it has finished, or is known to run."""
    return sync.finished or sync.job_status is SyncStatus.RUNNING


def _is_enough(found: dict[int, Run], since: datetime, first: datetime) -> bool:
    """Whether what was read without a gap reaches as far back as is of use."""
    return min(map(to_moment, found), default=since) <= first or sum(to_moment(at) < since for at in found) >= MOST


def expected_requests(stored: StoredPast, since: datetime, first: datetime, now: datetime) -> int | None:
    """Return about how many pages `read_past` asks for; None where the state knows too little to tell."""
    runs = stored.past.runs
    if len(runs) < _PAGE:
        return None
    gap = (runs[-1].start - runs[0].start) / (len(runs) - 1)
    if (stored.progress.done and len(runs) < MOST) or to_moment(runs[0].start) <= first:
        return 1
    wanted = min((now - first).total_seconds() / gap, (now - since).total_seconds() / gap + MOST)
    return 1 + max(0, round((wanted - len(runs)) / _PAGE))


@contextmanager
def state_of_the_daemon(storage_path: str, say: Callable[[str], None]) -> Iterator[StateFile | None]:
    """
    Open a copy of the daemon's state, without its lock; None where there is none that can be read.

    A daemon that is writing can tear a copy. What was torn is found by SQLite, and copied again.
    """
    path = Path(storage_path) / FILE_NAME
    with ExitStack() as stack:
        try:
            there = bool(storage_path) and path.exists()
            folder = stack.enter_context(tempfile.TemporaryDirectory()) if there else ""
        except OSError as error:  # the directory is another user's, or there is none for a copy
            say(f"{path} cannot be read, so everything is asked for: {error.strerror}")
            folder = ""
        if not folder:
            yield None
            return
        reason = ""
        for attempt in range(_ATTEMPTS):
            copy = Path(folder) / f"{attempt}.sqlite"
            try:
                for suffix in SUFFIXES[:2]:
                    if Path(f"{path}{suffix}").exists():
                        copyfile(f"{path}{suffix}", f"{copy}{suffix}")
                file = StateFile.open_for_reading(copy)
                file.read()
            except (OSError, StateFileError) as error:
                reason = str(error)
                continue
            try:
                yield file
            finally:
                file.close()
            return
        say(f"{path} cannot be read, so everything is asked for: {reason}")
        yield None


async def known_integrations(
    configured: ConfiguredWorkspace, api: Api, say: Callable[[str], None]
) -> tuple[tuple[Integration, ...], bool]:
    """Return the integrations with the labels that the daemon gives them, and whether the list could be read."""
    settings = configured.settings
    known = {one.integration_id: one for one in settings.integrations}
    try:
        listed = await api.all_integrations()
    except PollError as error:
        if settings.discovery.enabled:
            say(f"{settings.name}: only what the configuration lists: {error}")
        return settings.integrations, not settings.discovery.enabled
    for one in listed:
        name = one.integration_name or one.integration_id
        configured_one = known.get(one.integration_id)
        if configured_one is None:
            if settings.discovery.enabled and settings.discovery.names.takes(name):
                known[one.integration_id] = Integration(settings.name, one.integration_id, name, limits=settings.limits)
        elif configured_one.integration_name == one.integration_id:
            known[one.integration_id] = replace(configured_one, integration_name=name)
    return tuple(known.values()), True
