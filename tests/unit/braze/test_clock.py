"""What Braze's clock is taken to be, from the `Date` headers of its answers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from exporter.braze.clock import BrazeClock

START = datetime(2026, 3, 2, 8, 0, 0, 700_000, UTC)


class Machine:
    """A machine's two clocks, and the true time at Braze."""

    def __init__(self) -> None:
        self.true, self.monotonic_seconds, self.ahead = START, 50.0, timedelta(0)

    def now(self) -> datetime:
        return self.true + self.ahead

    def monotonic(self) -> float:
        return self.monotonic_seconds

    def passes(self, seconds: float, *, asleep: bool = False) -> None:
        self.true += timedelta(seconds=seconds)
        self.monotonic_seconds += 0 if asleep else seconds

    def hear(self, clock: BrazeClock, *, seconds: float = 0.2, odd: Mapping[str, str] | None = None) -> str | None:
        """Let a request go to Braze and back."""
        sent = self.monotonic()
        self.passes(seconds / 2)
        headers = {"date": format_datetime(self.true, usegmt=True)} if odd is None else odd
        self.passes(seconds / 2)
        return clock.hear(headers, sent, self.monotonic())


def off(machine: Machine, clock: BrazeClock) -> float:
    return abs((clock.now() - machine.true).total_seconds())


def test_until_braze_has_answered_our_clock_stands_for_its() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    assert clock.now() == machine.now()
    assert clock.skew_seconds is None


@pytest.mark.parametrize("ahead", [-3600, -600, 0, 1200, 3600, 86400 * 400])
def test_one_answer_tells_the_time_to_half_a_second(ahead: int) -> None:
    machine = Machine()
    machine.ahead = timedelta(seconds=ahead)
    clock = BrazeClock(machine)
    found: list[float] = []
    clock.on_found = lambda: found.append(off(machine, clock))
    assert machine.hear(clock) is None
    assert off(machine, clock) <= 0.5
    assert clock.skew_seconds == pytest.approx(ahead, abs=0.5)
    assert found == [pytest.approx(0, abs=0.5)]  # told once, and right by then


def test_the_time_a_request_takes_is_taken_into_account() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    machine.hear(clock, seconds=19)
    assert off(machine, clock) <= 0.5


def test_a_slow_answer_tells_nothing_where_there_are_others() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    machine.hear(clock)
    before = clock.now() - machine.true
    sent = machine.monotonic()
    date = {"date": format_datetime(machine.true, usegmt=True)}
    machine.passes(18)
    clock.hear(date, sent, machine.monotonic())
    assert clock.now() - machine.true == before


def test_many_answers_tell_it_better() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    for _ in range(9):
        machine.hear(clock)
        machine.passes(7.13)
    assert off(machine, clock) <= 0.25


def test_a_step_of_our_clock_moves_nothing_but_the_skew() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    machine.hear(clock)
    machine.ahead = timedelta(hours=1)
    assert off(machine, clock) <= 0.5
    assert clock.skew_seconds == pytest.approx(3600, abs=0.5)


def test_after_a_sleep_of_the_machine_one_answer_is_enough() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    for _ in range(9):
        machine.hear(clock)
    machine.passes(3600, asleep=True)
    assert machine.hear(clock) is None
    assert off(machine, clock) <= 0.5


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "date_missing"),
        ({"date": ""}, "date_missing"),
        ({"date": "yesterday"}, "date_invalid"),
        ({"date": "Mon, 99 Mar 2026 08:00:00 GMT"}, "date_invalid"),
        ({"date": "Thu, 01 Jan 1970 00:00:00 GMT"}, "date_invalid"),
        ({"date": "Fri, 31 Dec 9999 23:59:59 GMT"}, "date_invalid"),
        ({"date": "Mon, 02 Mar 2026 08:00:00 +9999"}, "date_invalid"),
        ({"date": "x" * 100_000}, "date_invalid"),
        ({"date": "1" * 90}, "date_invalid"),
        ({"date": "Mon, 02 Mar 2026 08:00:00 GMT", "age": "600"}, None),
    ],
)
def test_headers_that_tell_no_time_are_named_and_change_nothing(headers: dict[str, str], kind: str | None) -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    assert machine.hear(clock, odd=headers) == kind
    assert clock.skew_seconds is None
    machine.hear(clock)
    before = clock.now() - machine.true
    machine.hear(clock, odd=headers)
    assert clock.now() - machine.true == before


def test_four_absurd_answers_in_nine_do_no_harm() -> None:
    machine = Machine()
    clock = BrazeClock(machine)
    machine.hear(clock)
    wrong = {"date": format_datetime(machine.true + timedelta(hours=5), usegmt=True)}
    for _ in range(4):
        assert machine.hear(clock, odd=wrong) == "date_odd"
        assert off(machine, clock) <= 1
        machine.hear(clock)


def test_until_the_first_answer_time_goes_on_from_the_last_good_poll_that_is_kept() -> None:
    machine = Machine()
    machine.ahead = timedelta(hours=1)
    clock = BrazeClock(machine)
    clock.resume([START - timedelta(minutes=9), START - timedelta(minutes=2)])
    machine.passes(3)
    assert clock.now() == START - timedelta(minutes=2) + timedelta(seconds=3)
    assert clock.skew_seconds is None
    clock.note_no_answer()
    assert clock.now() == machine.now()
