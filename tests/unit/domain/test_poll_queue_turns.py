"""When a turn comes: spread over the interval, steady, and after a failure soon but never too often."""

import itertools

import pytest

from exporter.domain.poll_queue import PollQueue, interval_in_effect, next_turn, phase, retry_delay


@pytest.mark.parametrize("now", [0.0, 0.1, 29.9, 30.0, 30.1, 59.9, 60.0, 1e6, 1e6 + 30])
def test_the_next_turn_is_the_first_one_after_now_at_its_place_in_the_interval(now: float) -> None:
    turn = next_turn(now, 60.0, 0.5)
    assert now < turn <= now + 60.0
    assert turn % 60.0 == 30.0


@pytest.mark.parametrize(
    ("now", "share", "turn"),
    [
        (0.0, 0.25, 15.0),
        (14.9, 0.25, 15.0),
        (15.0, 0.25, 75.0),
        (100.0, 0.25, 135.0),
        (84.0, 0.4, 144.0),  # 84 / 60 - 0.4 is a little less than 1
    ],
)
def test_a_turn_is_at_its_share_of_the_interval(now: float, share: float, turn: float) -> None:
    assert next_turn(now, 60.0, share) == turn


def test_phases_are_the_same_every_time_and_spread_evenly() -> None:
    phases = sorted(phase(f"integration {n}") for n in range(1000))
    assert phase("a") == phase("a")
    assert all(0 <= each < 1 for each in phases)
    assert max(b - a for a, b in itertools.pairwise([0.0, *phases, 1.0])) < 0.02


@pytest.mark.parametrize(
    ("interval", "delays"),
    [
        (10.0, [10, 20, 40, 60, 60]),
        (60.0, [60, 60, 60]),
        (300.0, [60, 540, 60, 540]),
        (3600.0, [60, 7140, 60]),
    ],
)
def test_a_retry_comes_within_a_minute_and_failures_do_not_ask_more_often(interval: float, delays: list[float]) -> None:
    assert [retry_delay(n + 1, interval) for n in range(len(delays))] == delays


@pytest.mark.parametrize("interval", [5.0, 60.0, 61.0, 600.0, 7200.0])
def test_over_time_failures_never_ask_more_often_than_success(interval: float) -> None:
    spent = sum(retry_delay(n + 1, interval) for n in range(1000))
    assert spent >= 1000 * min(interval, 60.0)
    if interval >= 60:
        assert spent >= 999 * interval


def test_a_poll_that_ended_without_saying_how_is_due_again() -> None:
    queue = PollQueue(60.0)
    queue.add("a", 0.0)
    queue.take()
    assert queue.next_due() is None
    queue.give_back("a", 10.0)
    assert queue.next_due() == 70.0


def test_giving_back_what_is_done_or_gone_changes_nothing() -> None:
    queue = PollQueue(60.0)
    queue.add("a", 0.0)
    queue.take()
    due = queue.done("a", 10.0, succeeded=True)
    queue.give_back("a", 11.0)
    queue.give_back("b", 11.0)
    assert queue.next_due() == due


@pytest.mark.parametrize(("requests", "allowed"), [(10, 80), (80, 80), (200, 80), (1000, 1)])
def test_the_interval_grows_to_what_the_budget_can_serve(requests: int, allowed: int) -> None:
    interval = interval_in_effect(60.0, requests, allowed)
    assert interval >= 60.0
    assert requests / interval * 60.0 <= allowed + 1e-9


def test_a_budget_that_serves_fewer_requests_than_the_interval_needs_makes_it_longer() -> None:
    assert interval_in_effect(60.0, 200, 80) == 152.5
    assert interval_in_effect(60.0, 20, 80) == 60.0


def test_a_name_that_is_no_clean_text_has_a_place_in_the_interval_too() -> None:
    assert 0 <= phase("\ud800") < 1
