"""One poll: pages walked as the ledger wants, and what a page that does not come leaves behind."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import Request, Response
from exporter.domain.asked import Asked
from exporter.domain.errors import NetworkError, PayloadError, RateLimitedError, ServerError
from exporter.domain.integration_state import PollResult
from exporter.domain.ledger import ATTEMPTS, Ledger
from exporter.domain.rate_limit import WINDOW_SECONDS, RateLimiter
from exporter.poller.walk import Walker
from tests.braze_fakes import FakeSender, Observed
from tests.histories import minute
from tests.virtual_time import VirtualClock, run

NOW = minute(600)
BAD_LINK = {"link": '</x?page=2>; rel="next"'}


def listing(latest: int, count: int) -> list[dict[str, Any]]:
    """Syncs that began in the minutes up to *latest*, the latest first."""
    return [
        {
            "job_status": "success",
            "sync_start_time": minute(latest - n).isoformat(),
            "sync_finish_time": (minute(latest - n) + timedelta(seconds=30)).isoformat(),
            "rows_synced": 1,
        }
        for n in range(count)
    ]


class Braze:
    """Pages a listing, and breaks the pages that a test says."""

    def __init__(self) -> None:
        self.records = listing(100, 40)
        self.broken: dict[int, Callable[[], Response]] = {}
        self.pages: list[int] = []
        self.anomalies: list[Mapping[str, int]] = []
        self.observed = Observed()
        self.asked: list[tuple[str, Asked]] = []

    def answer(self, request: Request) -> Response:
        number = int(request.query.removeprefix("cursor=") or "0")
        self.pages.append(number)
        if number in self.broken:
            return self.broken[number]()
        page = self.records[number * 10 : number * 10 + 10]
        more = len(self.records) > number * 10 + 10
        headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": str(90 - number)}
        headers |= {"link": f'</x?cursor={number + 1}>; rel="next"'} if more else {}
        return Response(200, headers, json.dumps({"results": page}).encode())

    def read(self, ledger: Ledger | None, *, max_pages: int = 20, allowed: int = 1000) -> PollResult:
        """Poll once."""
        self.pages.clear()

        async def main(clock: VirtualClock) -> PollResult:
            limiters = {Endpoint.JOB_SYNC_STATUS: RateLimiter(allowed, 1.0, clock.monotonic() - WINDOW_SECONDS)}
            sender = FakeSender(self.answer)
            api = Api(workspace="w", sender=sender, limiters=limiters, clock=BrazeClock(clock), observer=self.observed)
            api.note_asked = lambda key, asked: self.asked.append((key, asked))
            walker = Walker(api, clock, max_pages, self.anomalies.append)
            return await walker.poll("a", ledger, None, "a reason", turn_taken=False)

        return run(main, start=NOW)

    def known(self) -> Ledger:
        """The ledger after a first poll."""
        ledger = self.read(None).ledger
        assert ledger is not None
        return ledger


def broken_line() -> Response:
    raise NetworkError("gone")


def test_pages_are_walked_by_their_cursors_until_the_ledger_is_content() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    reading = braze.read(ledger)
    assert braze.pages == [0, 1, 2]
    assert (len(reading.counted), reading.pages, reading.error) == (25, 3, None)


def test_each_request_is_noted_with_its_page_its_outcome_and_why_it_was_sent() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    braze.broken = {1: lambda: Response(503, {}, b""), 0: broken_line}
    braze.asked.clear()
    braze.read(ledger)
    del braze.broken[0]
    braze.read(ledger)
    assert [
        (key, one.endpoint, one.page, one.outcome, one.remaining, one.limit, one.why) for key, one in braze.asked
    ] == [
        ("a", "job_sync_status", 1, "network", None, None, "a reason"),
        ("a", "job_sync_status", 1, "200", 90, 100, "a reason"),
        ("a", "job_sync_status", 2, "503", None, None, "a reason"),
    ]


def test_a_poll_that_brings_nothing_new_leaves_the_very_same_ledger() -> None:
    braze = Braze()
    ledger = braze.known()
    assert braze.read(ledger).ledger is ledger


def test_no_more_pages_are_read_than_may_be() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(300, 300)
    reading = braze.read(ledger, max_pages=4)
    assert braze.pages == [0, 1, 2, 3]
    assert reading.ledger is not None
    assert reading.ledger.gaps == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_first_page_that_does_not_come_is_a_failed_poll_that_changes_nothing(known: bool) -> None:
    braze = Braze()
    ledger = braze.known() if known else None
    braze.broken[0] = broken_line
    reading = braze.read(ledger)
    assert reading.ledger is ledger
    assert (type(reading.error), reading.pages, reading.counted) == (NetworkError, 0, ())


def test_a_later_page_that_does_not_come_leaves_what_the_pages_before_have_brought() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    braze.broken[1] = lambda: Response(503, {}, b"")
    reading = braze.read(ledger)
    assert (type(reading.error), reading.pages, len(reading.counted)) == (ServerError, 1, 10)
    braze.broken.clear()
    again = braze.read(reading.ledger)
    assert len(again.counted) == 15
    assert again.ledger is not None
    assert again.ledger.gaps == 0


def test_a_later_page_that_keeps_failing_is_given_up_but_a_rate_limit_is_not_to_blame() -> None:
    for status, gaps in ((503, 1), (429, 0)):
        braze = Braze()
        ledger: Ledger | None = braze.known()
        braze.records = listing(125, 60)
        braze.broken[1] = lambda status=status: Response(status, {}, b"")  # type: ignore[misc]
        for _ in range(ATTEMPTS):
            ledger = braze.read(ledger).ledger
        assert ledger is not None
        assert ledger.gaps == gaps


def test_a_next_page_out_of_reach_matters_only_where_the_walk_has_to_go_on() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.broken[0] = lambda: Response(200, BAD_LINK, json.dumps({"results": braze.records[:10]}).encode())
    assert braze.read(ledger).error is None
    braze.records = listing(125, 60)
    reading = braze.read(ledger, allowed=1)
    assert (type(reading.error), reading.pages, len(reading.counted)) == (PayloadError, 1, 10)
    assert braze.observed.throttled_seconds == {}
    braze.broken.clear()
    assert len(braze.read(reading.ledger).counted) == 15


def test_a_first_sight_whose_later_page_fails_is_kept() -> None:
    braze = Braze()
    for record in braze.records:
        record["job_status"] = "error"
    braze.broken[2] = broken_line
    reading = braze.read(None)
    assert reading.ledger is not None
    assert not reading.ledger.history_known
    assert type(reading.error) is NetworkError


def test_an_answer_that_is_no_page_is_a_payload_error() -> None:
    braze = Braze()
    braze.broken[0] = lambda: Response(200, {}, b'{"results": null}')
    assert type(braze.read(None).error) is PayloadError


def test_anomalies_are_handed_on_even_when_the_page_is_of_no_use() -> None:
    braze = Braze()
    braze.records = ["surprise", "surprise"]  # type: ignore[list-item]
    assert type(braze.read(None).error) is PayloadError
    assert braze.anomalies == [{"record_not_an_object": 2}]


def test_each_further_page_waits_for_its_turn() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    braze.read(ledger, allowed=1)
    assert braze.observed.throttled_seconds == {"job_sync_status": pytest.approx(2 * WINDOW_SECONDS)}


def test_a_429_on_a_later_page_is_the_error_of_the_poll() -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    braze.broken[2] = lambda: Response(429, {}, b"")
    reading = braze.read(ledger)
    assert (type(reading.error), len(reading.counted)) == (RateLimitedError, 20)


@pytest.mark.parametrize("short", [0, 1, 2])
def test_a_page_that_came_short_is_an_anomaly_and_read_again_by_the_next_poll(short: int) -> None:
    braze = Braze()
    ledger = braze.known()
    braze.records = listing(125, 60)
    link = {"link": f'</x?cursor={short + 1}>; rel="next"'}
    part = json.dumps({"results": braze.records[short * 10 : short * 10 + 4]}).encode()
    braze.broken[short] = lambda: Response(200, link, part)
    reading = braze.read(ledger)
    assert (reading.error, braze.anomalies[-1]) == (None, {"short_page": 1})
    braze.broken.clear()
    assert len(reading.counted) + len(braze.read(reading.ledger).counted) == 25


def test_a_last_page_and_one_with_unreadable_records_are_not_short() -> None:
    braze = Braze()
    braze.records = listing(100, 14)
    braze.records[3] = "surprise"  # type: ignore[call-overload]
    for record in braze.records[4:]:
        record["job_status"] = "error"
    braze.read(None)
    assert braze.anomalies == [{"record_not_an_object": 1}]
