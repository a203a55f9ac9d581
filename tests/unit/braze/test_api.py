"""The one door to Braze: requests wait for their turns, are measured, teach the rate limiter, and page."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import pytest

from exporter.braze.api import MOST_PAGES, Api, Pages
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import Request, Response, build_request
from exporter.domain.circuit_breaker import DENIALS_TO_OPEN
from exporter.domain.decode import DecodedSyncs
from exporter.domain.errors import (
    BadRequestError,
    ForbiddenError,
    NetworkError,
    PayloadError,
    PollError,
    RateLimitedError,
    ServerError,
)
from exporter.domain.listing import DecodedListing
from exporter.domain.rate_limit import WINDOW_SECONDS, RateLimiter
from tests.braze_fakes import GOOD, FakeSender, Observed
from tests.virtual_time import VirtualClock, run

START = datetime(2026, 3, 1, tzinfo=UTC)
JOBS, LIST = Endpoint.JOB_SYNC_STATUS, Endpoint.INTEGRATIONS
ABOUT_A, ABOUT_ALL = build_request(JOBS, "a"), build_request(LIST)
Act = Callable[[Api, VirtualClock], Awaitable[None]]


def through_api(act: Act, sender: FakeSender, *, allowed: int = 4) -> Observed:
    """Run *act* on an API that may be asked *allowed* times a minute, nothing of it spent yet."""
    observed = Observed()

    async def main(clock: VirtualClock) -> None:
        begun = clock.monotonic() - WINDOW_SECONDS
        limiters = {endpoint: RateLimiter(allowed, 1.0, begun) for endpoint in Endpoint}
        await act(
            Api(workspace="w", sender=sender, limiters=limiters, clock=BrazeClock(clock), observer=observed), clock
        )

    run(main, start=START)
    return observed


def answering(status: int, **headers: str) -> FakeSender:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeSender(lambda _: Response(status, named, GOOD.body))


def test_a_good_answer_gives_its_page_and_the_next_cursor() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        assert await api.ask(ABOUT_A) == (DecodedSyncs(), "abc")
        assert await api.ask(ABOUT_ALL) == (DecodedListing(), "abc")

    through_api(act, answering(200, link='</x?cursor=abc>; rel="next"'))


def test_each_answer_is_noted_by_its_code_and_how_long_it_took() -> None:
    async def act(api: Api, clock: VirtualClock) -> None:
        await api.ask(ABOUT_A)
        with pytest.raises(ServerError):
            await api.ask(ABOUT_ALL)

    codes = iter((200, 503))
    observed = through_api(act, FakeSender(lambda _: Response(next(codes), {}, GOOD.body)))
    assert observed.answers == [("w", "job_sync_status", "200"), ("w", "integrations", "503")]


def test_a_request_without_an_answer_is_noted_as_an_error() -> None:
    def fail(_request: Request) -> Response:
        raise NetworkError("gone")

    async def act(api: Api, _clock: VirtualClock) -> None:
        with pytest.raises(NetworkError):
            await api.ask(ABOUT_A)

    assert through_api(act, FakeSender(fail)).answers == [("w", "job_sync_status", "error")]


def test_turns_beyond_the_budget_wait_and_the_waiting_is_noted() -> None:
    async def act(api: Api, clock: VirtualClock) -> None:
        began = clock.monotonic()
        for _ in range(5):
            await api.turn(JOBS)
        assert clock.monotonic() - began == pytest.approx(WINDOW_SECONDS)

    assert through_api(act, FakeSender()).throttled_seconds == {"job_sync_status": pytest.approx(WINDOW_SECONDS)}


def test_endpoints_have_budgets_of_their_own() -> None:
    async def act(api: Api, clock: VirtualClock) -> None:
        began = clock.monotonic()
        for _ in range(4):
            await api.turn(JOBS)
            await api.turn(LIST)
        assert clock.monotonic() == began

    assert through_api(act, FakeSender()).throttled_seconds == {}


def test_a_turn_that_cannot_be_had_now_is_not_taken() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        waits = [api.try_turn(JOBS) for _ in range(7)]
        assert waits[:4] == [0, 0, 0, 0]
        assert waits[4:] == [pytest.approx(WINDOW_SECONDS)] * 3
        await asyncio.sleep(WINDOW_SECONDS)
        assert [api.try_turn(JOBS) for _ in range(4)] == [0, 0, 0, 0]

    through_api(act, FakeSender())


@pytest.mark.parametrize(
    ("headers", "hold"),
    [
        ({"x_ratelimit_reset": str(int(START.timestamp()) + 42)}, 42.0),
        ({"x_ratelimit_retry_after": "7", "x_ratelimit_reset": str(int(START.timestamp()) + 42)}, 42.0),
        ({"retry_after": "70", "x_ratelimit_reset": str(int(START.timestamp()) + 42)}, 70.0),
        ({"retry_after": "7", "x_ratelimit_reset": str(int(START.timestamp()) + 301)}, 7.0),
        ({"retry_after": "7", "x_ratelimit_reset": str(int(START.timestamp()) - 1)}, 7.0),
        *(
            ({"retry_after": nonsense, "x_ratelimit_reset": str(int(START.timestamp()) + 42)}, 42.0)
            for nonsense in ("0", "-5", "999999999", "soon")
        ),
        ({"retry_after": "9"}, 9.0),
        ({"x_ratelimit_reset": "1000000000"}, 15.0),
        ({}, 15.0),
    ],
)
def test_a_429_holds_back_its_endpoint_alone(headers: dict[str, str], hold: float) -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        with pytest.raises(RateLimitedError):
            await api.ask(ABOUT_A)
        assert api.try_turn(JOBS) == pytest.approx(hold)
        assert api.try_turn(LIST) == 0

    through_api(act, answering(429, **headers))


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 502, 503])
@pytest.mark.parametrize(("asked", "hold"), [("70", 70.0), ("300", 300.0), ("301", 0.0), ("0", 0.0), ("soon", 0.0)])
def test_any_answer_may_ask_for_a_pause_of_its_endpoint(status: int, asked: str, hold: float) -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        with contextlib.suppress(PollError):
            await api.ask(ABOUT_A)
        assert api.try_turn(JOBS) == pytest.approx(hold)
        assert api.try_turn(LIST) == 0

    through_api(act, answering(status, retry_after=asked))


def test_a_reset_is_measured_by_the_wall_clock_and_waited_for_by_the_other() -> None:
    async def act(api: Api, clock: VirtualClock) -> None:
        with pytest.raises(RateLimitedError):
            await api.ask(ABOUT_A)
        clock.step(-3600)
        assert api.try_turn(JOBS) == pytest.approx(42.0)

    through_api(act, answering(429, x_ratelimit_reset=str(int(START.timestamp()) + 42)))


def test_headers_of_a_good_answer_are_noted_and_correct_the_budget() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        await api.ask(ABOUT_A)
        assert api.allowed(JOBS) == 2
        assert api.allowed(LIST) == 4
        assert api.try_turn(JOBS) == pytest.approx(30.0)

    reset = int(START.timestamp()) + 30
    sender = answering(200, x_ratelimit_limit="2", x_ratelimit_remaining="0", x_ratelimit_reset=str(reset))
    assert through_api(act, sender).limits == [(2, 0, float(reset))]


def test_an_answer_that_is_no_page_is_an_error() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        with pytest.raises(PayloadError, match="has no field `results`"):
            await api.syncs("a").read()

    through_api(act, FakeSender(lambda _: Response(200, {}, b"{}")))


def book(*pages: Iterable[str], last: str = "") -> FakeSender:
    """Integrations by id, page after page; *last* is the cursor that the last page gives."""

    def answer(request: Request) -> Response:
        number = int(request.query.removeprefix("cursor=") or 0)
        following = str(number + 1) if number + 1 < len(pages) else last
        body = json.dumps({"results": [{"integration_id": one} for one in pages[number]]})
        return Response(200, {"link": f'</x?cursor={following}>; rel="next"'} if following else {}, body.encode())

    return FakeSender(answer)


def test_pages_follow_the_cursors_to_the_last_page() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        pages, read = api.integrations(), []
        for _ in range(3):
            page = await pages.read()
            read.append(([one.integration_id for one in page.decoded.integrations], page.last))
        assert read == [(["a", "b"], False), ([], False), (["c"], True)]

    sender = book("ab", "", "c")
    through_api(act, sender)
    assert [request.query for request in sender.sent] == ["", "cursor=1", "cursor=2"]


def test_the_syncs_of_an_integration_are_asked_for_by_its_id() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        assert (await api.syncs("a").read()).last

    sender = FakeSender()
    through_api(act, sender)
    assert sender.sent == [ABOUT_A]


def test_an_id_that_may_not_be_asked_for_takes_no_turn() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        with pytest.raises(BadRequestError):
            await api.syncs("a/b").read()
        assert [api.try_turn(JOBS) for _ in range(4)] == [0, 0, 0, 0]

    sender = FakeSender()
    through_api(act, sender)
    assert sender.sent == []


def test_each_page_takes_a_turn_but_the_first_where_it_was_taken_before() -> None:
    async def act(api: Api, clock: VirtualClock) -> None:
        began = clock.monotonic()
        pages: Pages[DecodedListing] = Pages(api, LIST, turn_taken=True)
        for _ in range(5):
            await pages.read()
        assert clock.monotonic() == began
        assert api.try_turn(LIST) == pytest.approx(WINDOW_SECONDS)

    through_api(act, book(*"abcdef"))


def test_a_page_that_did_not_come_can_be_asked_for_again() -> None:
    inner = book("a", "b")
    failures = iter((None, NetworkError("gone"), None))

    def answer(request: Request) -> Response:
        if (error := next(failures)) is not None:
            raise error
        return inner.answer(request)

    async def act(api: Api, _clock: VirtualClock) -> None:
        pages = api.integrations()
        await pages.read()
        with pytest.raises(NetworkError):
            await pages.read()
        page = await pages.read()
        assert ([one.integration_id for one in page.decoded.integrations], page.last) == (["b"], True)

    through_api(act, FakeSender(answer))


def test_pages_that_go_round_in_circles_are_an_error_and_not_read_again() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        pages = api.integrations()
        for _ in range(3):
            await pages.read()
        for _ in range(2):
            with pytest.raises(PayloadError, match="link back to one already read"):
                await pages.read()

    sender = book("a", "b", "c", last="1")
    through_api(act, sender)
    assert len(sender.sent) == 3


def test_pages_without_an_end_are_given_up() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        with pytest.raises(PayloadError, match=f"go on after {MOST_PAGES}"):
            await api.all_integrations()

    sender = book(*([""] * (MOST_PAGES + 1)))
    through_api(act, sender, allowed=2 * MOST_PAGES)
    assert len(sender.sent) == MOST_PAGES


def test_a_list_that_changes_while_it_is_read_gives_each_integration_once() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        assert [one.integration_id for one in await api.all_integrations()] == ["a", "b", "c"]

    through_api(act, book("ab", "bc"))


def test_denials_in_a_row_hold_back_their_endpoint_and_nothing_is_sent() -> None:
    async def act(api: Api, _clock: VirtualClock) -> None:
        for _ in range(DENIALS_TO_OPEN):
            with pytest.raises(ForbiddenError):
                await api.integrations().read()
        assert (api.is_open(LIST), api.is_blocked(LIST), api.is_blocked(JOBS)) == (True, True, False)
        with pytest.raises(PollError) as held:
            await api.integrations().read()
        assert held.value.held_seconds is not None
        await api.turn(JOBS)

    sender = answering(403)
    through_api(act, sender)
    assert len(sender.sent) == DENIALS_TO_OPEN
