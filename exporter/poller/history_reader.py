"""
Reading the history of a workspace's integrations, from which limits are learned.

Decides which integration is read next and when it is read to the end: broadest first, page k of all before page k + 1
of any; back to `history`, and no deeper than syncs are learned from. At the lowest priority: not before everything was
polled once, not while a poll is due, and with requests that nobody waits for (`domain/rate_limit.py`). A failure costs
that integration a back-off. What was read is kept page by page with the cursor of the next, so that a restart goes on
there. Counters never change here.

Pages may overlap: items shift as syncs start, more so after a restart. A walk whose pages go no further back twice in a
row is over.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.braze.api import Api, Fetched
from exporter.braze.endpoints import Endpoint
from exporter.clock import Clock
from exporter.domain.asked import HISTORY
from exporter.domain.decode import PAGE_SIZE, DecodedSyncs
from exporter.domain.errors import BadRequestError, PollError
from exporter.domain.ledger import ATTEMPTS
from exporter.domain.model import one_record_each
from exporter.domain.page_order import is_latest_first
from exporter.domain.past import MOST
from exporter.domain.settings import WorkspaceSettings
from exporter.poller.report import Reporter
from exporter.poller.shell import Shell, Watched
from exporter.state.pasts import Progress
from exporter.state.store import Store

IDLE_SECONDS = 60.0
"""Between two looks for integrations that have come."""
PAUSE_SECONDS = 1.0
"""While a poll is due, or requests are denied."""
FIRST_BACK_OFF_SECONDS = 60.0
LONGEST_BACK_OFF_SECONDS = 3600.0
REPEATS = 2


@dataclass(slots=True)
class _Reading:
    """How far one integration has been read."""

    one: Watched
    progress: Progress
    gaps: int
    """How often the integration's syncs had been out of a walk's reach."""
    latest: datetime | None = None
    """The latest start on the page before, of those read in this process."""
    repeats: int = 0
    """How many pages in a row went no further back."""
    failures: int = 0
    not_before: float = 0.0


class HistoryReader:
    """
    Reads the history of one workspace.

    Args:
        settings: Of the workspace; `run` needs a history of more than 0.
        api: Each request takes a spare turn of its rate limit.
        shell: Has the integrations, and the queue of polls that go first; hears when a past has grown.
        store: Keeps pages and progress.
        clock: For back-offs, and how far back a history goes.
        report: Hears how much has been read.
        polled: Set once everything has been polled for the first time.

    """

    def __init__(
        self,
        settings: WorkspaceSettings,
        api: Api,
        shell: Shell,
        store: Store,
        *,
        clock: Clock,
        report: Reporter,
        polled: asyncio.Event,
    ) -> None:
        self.ratio: float | None = None
        """How much of all histories has been read, 0 to 1; None while there is no integration."""
        self._workspace = settings.name
        self._api = api
        self._shell = shell
        self._store = store
        self._clock = clock
        self._report = report
        self._polled = polled
        self._history = timedelta(seconds=settings.history_seconds)
        self._note_anomalies = report.anomalies(Endpoint.JOB_SYNC_STATUS)
        self._losses = -1
        self._kept: dict[str, Progress] = {}
        """Progress of integrations of which there is no reading yet."""
        self._readings: dict[str, _Reading] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        self._choose()
        await self._polled.wait()
        while True:
            reading = self._choose()
            wait = IDLE_SECONDS if reading is None else self._wait_seconds()
            if reading is None or wait > 0:
                await asyncio.sleep(wait)
            else:
                await self._read(reading)

    def _choose(self) -> _Reading | None:
        """Return the integration to be read next, None while there is none; note how much of all has been read."""
        if self._losses != self._store.losses:
            self._losses, self._readings = self._store.losses, {}
            self._kept = {key: stored.progress for key, stored in self._store.load_outlines(self._workspace).items()}
        now, monotonic = self._clock.now(), self._clock.monotonic()
        shares, chosen = [], None
        self._readings = {key: reading for key, reading in self._readings.items() if key in self._shell}
        for one in self._shell:
            if one.state.gone is not None:
                continue
            reading = self._readings.get(one.key)
            gaps = 0 if one.state.ledger is None else one.state.ledger.gaps
            if reading is None or reading.one is not one:
                reading = self._readings[one.key] = _Reading(one, self._kept.pop(one.key, Progress()), gaps)
            elif gaps > reading.gaps:  # it is read again, for there is a hole
                reading = self._readings[one.key] = _Reading(one, Progress(read_to=now), gaps)
                self._back_off(reading)
            shares.append(share := reading.progress.share(now, self._history))
            if share == 1 or one.state.ledger is None or monotonic < reading.not_before:
                continue
            if chosen is None or reading.progress.pages < chosen.progress.pages:
                chosen = reading
        self.ratio = sum(shares) / len(shares) if shares else None
        self._report.history(self.ratio, len(shares))
        return chosen

    def _wait_seconds(self) -> float:
        """Take a turn and return 0, or return for how long there is none."""
        due = self._shell.queue.next_due()
        if self._api.is_open(Endpoint.JOB_SYNC_STATUS) or (due is not None and due <= self._clock.monotonic()):
            return PAUSE_SECONDS
        return self._api.try_turn(Endpoint.JOB_SYNC_STATUS, spare=True)

    async def _read(self, reading: _Reading) -> None:
        """Read one page, whose turn is taken."""
        one, cursor = reading.one, reading.progress.cursor
        try:
            page = await self._api.syncs(
                one.key, turn_taken=True, cursor=cursor, note_anomalies=self._note_anomalies, why=HISTORY
            ).read()
        except PollError as error:
            if isinstance(error, BadRequestError) and cursor is not None:
                # It has expired. The pages before are asked for again, as there is no other way to those behind.
                reading.progress, reading.latest = replace(reading.progress, pages=0, cursor=None), None
            self._back_off(reading)
        except Exception as error:  # noqa: BLE001 - a defect must cost this integration and nothing else
            self._report.defect(one.key, error)
            self._back_off(reading)
        else:
            if not (page.last or page.decoded.full) and reading.failures < ATTEMPTS:
                self._back_off(reading)
                return
            if cursor is not None:  # the first page comes even where all others fail
                reading.failures = 0
            if self._shell.get(one.key) is one and self._store.losses == self._losses:
                self._keep(reading, page)

    def _keep(self, reading: _Reading, page: Fetched[DecodedSyncs]) -> None:
        before, syncs = reading.progress, page.decoded.syncs
        ordered = is_latest_first(syncs)  # else pages may come in any order, and none says how far back one has come
        latest = syncs[0].sync_start_time if syncs and ordered else None
        further = not ordered or (latest is not None and (reading.latest is None or latest < reading.latest))
        reading.repeats = 0 if further else reading.repeats + 1
        reading.latest = latest or reading.latest
        reached = [at for at in (before.read_to, latest) if at is not None]
        following = page.next_cursor if isinstance(page.next_cursor, str) else None
        reading.progress = Progress(
            before.pages + 1,
            min(reached, default=None),
            following,
            done=following is None or reading.repeats >= REPEATS or (before.pages + 1) * PAGE_SIZE >= MOST,
        )
        finished = [sync for sync in one_record_each(syncs).values() if sync.finished]
        self._store.add_to_past(self._workspace, reading.one.key, finished, reading.progress)
        whole = reading.progress.share(self._clock.now(), self._history) == 1
        self._shell.past_grew(reading.one, whole=whole)

    def _back_off(self, reading: _Reading) -> None:
        wait = min(LONGEST_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2.0 ** min(reading.failures, 10))
        reading.failures += 1
        reading.not_before = self._clock.monotonic() + wait
