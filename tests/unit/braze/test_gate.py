"""The gate: every request waits for its turn, is measured, and adjusts the rate limiter of its own endpoint."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from exporter.braze.gate import Gate
from exporter.braze.wire import Endpoint, Request, Response, build_integrations, build_job_sync_status
from exporter.domain.errors import NetworkError, RateLimitedError, ServerError
from exporter.domain.rate_limit import WINDOW_SECONDS, RateLimiter
from tests.braze_fakes import GOOD, FakeSender, Observed
from tests.virtual_time import VirtualClock, run

START = datetime(2026, 3, 1, tzinfo=UTC)
JOBS, LIST = Endpoint.JOB_SYNC_STATUS, Endpoint.INTEGRATIONS
Act = Callable[[Gate, VirtualClock], Awaitable[None]]


def through_gate(act: Act, sender: FakeSender, *, allowed: int = 4) -> Observed:
    """Run *act* on a gate that allows so many requests a minute, none of them spent yet."""
    observed = Observed()

    async def main(clock: VirtualClock) -> None:
        begun = clock.monotonic() - WINDOW_SECONDS
        limiters = {endpoint: RateLimiter(allowed, 1.0, begun) for endpoint in Endpoint}
        await act(Gate(workspace="w", sender=sender, limiters=limiters, clock=clock, observer=observed), clock)

    run(main, start=START)
    return observed


def answering(status: int, **headers: str) -> FakeSender:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeSender(lambda _: Response(status, named, GOOD.body))


def test_a_good_answer_gives_its_json_and_the_next_cursor() -> None:
    async def act(gate: Gate, _clock: VirtualClock) -> None:
        answer = await gate.ask(build_job_sync_status("a"))
        assert (answer.body["results"], answer.next_cursor) == ([], "abc")

    through_gate(act, answering(200, link='</x?cursor=abc>; rel="next"'))


def test_each_answer_is_noted_by_its_code_and_how_long_it_took() -> None:
    async def act(gate: Gate, clock: VirtualClock) -> None:
        await gate.ask(build_job_sync_status("a"))
        with pytest.raises(ServerError):
            await gate.ask(build_integrations())

    codes = iter((200, 503))
    observed = through_gate(act, FakeSender(lambda _: Response(next(codes), {}, GOOD.body)))
    assert observed.answers == [("w", "job_sync_status", "200"), ("w", "integrations", "503")]


def test_a_request_without_an_answer_is_noted_as_an_error() -> None:
    def fail(_request: Request) -> Response:
        raise NetworkError("gone")

    async def act(gate: Gate, _clock: VirtualClock) -> None:
        with pytest.raises(NetworkError):
            await gate.ask(build_job_sync_status("a"))

    assert through_gate(act, FakeSender(fail)).answers == [("w", "job_sync_status", "error")]


def test_turns_beyond_the_budget_wait_and_the_waiting_is_noted() -> None:
    async def act(gate: Gate, clock: VirtualClock) -> None:
        began = clock.monotonic()
        for _ in range(5):
            await gate.turn(JOBS)
        assert clock.monotonic() - began == pytest.approx(WINDOW_SECONDS)

    assert through_gate(act, FakeSender()).throttled_seconds == {"job_sync_status": pytest.approx(WINDOW_SECONDS)}


def test_endpoints_have_budgets_of_their_own() -> None:
    async def act(gate: Gate, clock: VirtualClock) -> None:
        began = clock.monotonic()
        for _ in range(4):
            await gate.turn(JOBS)
            await gate.turn(LIST)
        assert clock.monotonic() == began

    assert through_gate(act, FakeSender()).throttled_seconds == {}


def test_a_turn_that_cannot_be_had_now_is_not_taken() -> None:
    async def act(gate: Gate, _clock: VirtualClock) -> None:
        waits = [gate.try_turn(JOBS) for _ in range(7)]
        assert waits[:4] == [0, 0, 0, 0]
        assert waits[4:] == [pytest.approx(WINDOW_SECONDS)] * 3
        await asyncio.sleep(WINDOW_SECONDS)
        assert [gate.try_turn(JOBS) for _ in range(4)] == [0, 0, 0, 0]

    through_gate(act, FakeSender())


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
    async def act(gate: Gate, _clock: VirtualClock) -> None:
        with pytest.raises(RateLimitedError):
            await gate.ask(build_job_sync_status("a"))
        assert gate.try_turn(JOBS) == pytest.approx(hold)
        assert gate.try_turn(LIST) == 0

    through_gate(act, answering(429, **headers))


def test_a_reset_is_measured_by_the_wall_clock_and_waited_for_by_the_other() -> None:
    async def act(gate: Gate, clock: VirtualClock) -> None:
        with pytest.raises(RateLimitedError):
            await gate.ask(build_job_sync_status("a"))
        clock.step(-3600)
        assert gate.try_turn(JOBS) == pytest.approx(42.0)

    through_gate(act, answering(429, x_ratelimit_reset=str(int(START.timestamp()) + 42)))


def test_headers_of_a_good_answer_are_noted_and_correct_the_budget() -> None:
    async def act(gate: Gate, _clock: VirtualClock) -> None:
        await gate.ask(build_job_sync_status("a"))
        assert gate.allowed(JOBS) == 2
        assert gate.allowed(LIST) == 4
        assert gate.try_turn(JOBS) == pytest.approx(30.0)

    reset = int(START.timestamp()) + 30
    sender = answering(200, x_ratelimit_limit="2", x_ratelimit_remaining="0", x_ratelimit_reset=str(reset))
    assert through_gate(act, sender).limits == [(2, 0, float(reset))]
