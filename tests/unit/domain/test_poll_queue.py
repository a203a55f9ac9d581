"""Whose turn it is: due times, urgency, retries, and turns that are moved."""

import pytest

from exporter.domain.poll_queue import HEAD_START_SECONDS, PollQueue, next_turn, phase, retry_delay

MINUTE = 60.0


def queue_of(*keys: str, due: float = 0.0, interval: float = MINUTE) -> PollQueue:
    queue = PollQueue(interval)
    for key in keys:
        queue.add(key, due)
    return queue


def test_nothing_is_due_where_nothing_is() -> None:
    queue = PollQueue(MINUTE)
    assert queue.next_due() is None
    with pytest.raises(IndexError):
        queue.take()


def test_those_that_are_due_go_in_the_order_of_their_due_times() -> None:
    queue = PollQueue(MINUTE)
    for key, due in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        queue.add(key, due)
    assert [queue.take() for _ in range(3)] == ["early", "middle", "late"]


def test_one_that_is_being_polled_has_no_turn() -> None:
    queue = queue_of("a")
    queue.take()
    assert queue.next_due() is None
    assert queue.done("a", 5, succeeded=True) > 5
    assert queue.next_due() is not None


def test_one_that_is_known_keeps_its_turn() -> None:
    queue = queue_of("a", due=10)
    queue.add("a", 0)
    assert queue.next_due() == 10
    assert len(queue) == 1


def test_an_urgent_one_goes_first() -> None:
    queue = queue_of("regular", due=90)
    queue.add("urgent", 500)
    queue.expedite("urgent", 100)
    assert queue.take() == "urgent"


def test_an_urgent_one_does_not_overtake_those_that_have_waited_for_long() -> None:
    queue = queue_of("starving", due=100)
    queue.add("urgent", 500)
    queue.expedite("urgent", 101 + HEAD_START_SECONDS)
    assert queue.take() == "starving"


def test_hurrying_again_gives_no_further_advantage_and_no_disadvantage() -> None:
    queue = queue_of("first", "second", due=1000)
    queue.expedite("first", 100)
    queue.expedite("second", 101)
    queue.expedite("first", 200)
    assert queue.take() == "first"


def test_one_that_becomes_urgent_while_it_is_polled_is_polled_once_more() -> None:
    queue = queue_of("a")
    queue.take()
    queue.expedite("a", 1)
    assert queue.done("a", 2, succeeded=True, due=5000) == 2
    queue.take()
    assert queue.done("a", 3, succeeded=True, due=5000) == 5000


def test_one_that_failed_last_is_not_hurried_before_its_retry() -> None:
    queue = queue_of("a")
    queue.take()
    retry = queue.done("a", 100, succeeded=False)
    queue.expedite("a", 101)
    assert queue.next_due() == retry
    assert queue.reschedule("a", 5000) == retry


def test_one_that_hurried_and_then_failed_waits_for_its_retry() -> None:
    queue = queue_of("a")
    queue.take()
    queue.expedite("a", 1)
    assert queue.done("a", 2, succeeded=False) == 2 + retry_delay(1, MINUTE)
    queue.take()
    assert queue.done("a", 100, succeeded=True, due=5000) == 5000


def test_a_turn_can_be_put_off_and_moved_back() -> None:
    queue = queue_of("a", "b", due=10)
    assert queue.reschedule("a", 4000) == 4000
    assert queue.take() == "b"
    assert queue.next_due() == 4000
    assert queue.reschedule("a", 70) == 70
    assert queue.next_due() == 70


def test_one_that_is_being_polled_is_not_put_off() -> None:
    queue = queue_of("a")
    queue.take()
    queue.reschedule("a", 4000)
    assert queue.next_due() is None
    assert queue.done("a", 5, succeeded=True, due=100) == 100


def test_one_that_is_removed_is_never_due_even_if_it_was_being_polled() -> None:
    queue = queue_of("a", "b")
    queue.remove(queue.take())
    queue.remove(queue.take())
    queue.give_back("a", 10)
    assert queue.next_due() is None
    queue.remove("a")


def test_a_retry_comes_within_a_minute_and_a_recovery_takes_the_regular_turn_up_again() -> None:
    queue = queue_of("a", interval=300)
    queue.take()
    assert queue.done("a", 1000, succeeded=False) == 1060
    queue.take()
    turn = queue.done("a", 1060, succeeded=True)
    assert turn == next_turn(1060, 300, phase("a"))


def test_a_turn_is_brought_forward_and_never_put_off_by_that() -> None:
    queue = queue_of("a", due=100)
    assert queue.bring_forward("a", 500) == 100
    assert queue.bring_forward("a", 50) == 50
    assert queue.next_due() == 50


def test_a_turn_that_is_not_moved_keeps_its_place_in_the_queue() -> None:
    queue = queue_of("a", "b", due=10)
    for _ in range(1000):
        queue.reschedule("b", 10)
        queue.reschedule("a", 10)
    assert [queue.take(), queue.take()] == ["a", "b"]
    assert queue.next_due() is None
    assert len(queue._heap) <= 2, "it grows with each listing"


def test_the_longest_wait_is_that_of_the_last_poll_among_those_that_are_due() -> None:
    queue = queue_of("a", "waiting", "resting", "being polled")
    for _ in range(4):
        queue.done(queue.take(), 100, succeeded=True, due=200)
    queue.reschedule("resting", 5000)
    queue.reschedule("being polled", 150)
    queue.add("never polled yet", 0)
    assert queue.longest_wait(199) == 99
    assert queue.take() == "never polled yet"
    assert queue.take() == "being polled"
    assert queue.longest_wait(199) == 0
    assert queue.longest_wait(230) == 130


def test_one_in_a_hurry_is_due_at_once_though_its_turn_was_minutes_ahead() -> None:
    queue = queue_of("a", due=100.0 + HEAD_START_SECONDS / 2)
    queue.expedite("a", 100.0)
    assert queue.next_due() == 100.0 - HEAD_START_SECONDS


def test_one_that_has_waited_as_long_as_a_head_start_keeps_its_turn() -> None:
    queue = queue_of("a", due=100.0)
    queue.expedite("a", 100.0 + HEAD_START_SECONDS)
    assert queue.dues() == {"a": 100.0}
    queue.expedite("a", 99.0 + HEAD_START_SECONDS)
    assert queue.dues() == {"a": 99.0 + HEAD_START_SECONDS}


def test_only_one_that_waits_has_a_due_time() -> None:
    queue = queue_of("a", due=5.0)
    assert (queue.dues(), "a" in queue, "b" in queue) == ({"a": 5.0}, True, False)
    queue.take()
    assert (queue.dues(), "a" in queue) == ({}, True)


def test_all_dues_leave_out_what_is_being_polled() -> None:
    queue = queue_of("a", due=10.0)
    queue.add("b", 20.0)
    assert queue.dues() == {"a": 10.0, "b": 20.0}
    assert queue.take() == "a"
    assert queue.dues() == {"b": 20.0}


def test_one_in_a_hurry_counts_among_those_that_wait() -> None:
    queue = queue_of("a")
    queue.take()
    queue.done("a", 5.0, succeeded=True, due=500.0)
    queue.expedite("a", 50.0)
    assert queue.longest_wait(50.0) == 45.0


def test_one_in_a_hurry_stays_urgent_when_its_turn_is_brought_to_where_it_is() -> None:
    queue = queue_of("a", due=500.0)
    queue.expedite("a", 100.0)
    assert queue.bring_forward("a", 100.0) == 100.0
    assert queue.next_due() == 100.0 - HEAD_START_SECONDS


def test_a_failure_for_which_nothing_was_sent_is_tried_again_as_soon_as_something_may_be() -> None:
    queue = PollQueue(60.0)
    queue.add("a", 0.0)
    queue.take()
    queue.done("a", 0.0, succeeded=False)
    queue.take()
    assert queue.done("a", 60.0, succeeded=False, due=75.0) == 75.0
    queue.take()
    assert queue.done("a", 75.0, succeeded=False) == 75.0 + 60.0


def test_those_for_which_nothing_was_sent_are_due_when_it_would_be() -> None:
    queue = queue_of("held", "refused", "good")
    for _ in range(3):
        queue.take()
    queue.done("held", 60.0, succeeded=False, due=115.0)
    queue.done("refused", 60.0, succeeded=False)
    queue.done("good", 60.0, succeeded=True, due=500.0)
    queue.release(70.0)
    assert (queue.next_due(), queue.take()) == (70.0, "held")
    assert queue.next_due() == 120.0


def test_a_release_acts_once_and_puts_nothing_off() -> None:
    queue = queue_of("held", "gone")
    for key in (queue.take(), queue.take()):
        queue.done(key, 60.0, succeeded=False, due=115.0)
    queue.remove("gone")
    queue.release(200.0)
    assert queue.next_due() == 115.0
    queue.done(queue.take(), 200.0, succeeded=False)
    queue.release(201.0)
    assert queue.next_due() == 260.0


def test_a_release_leaves_one_that_is_being_polled_alone() -> None:
    queue = queue_of("held")
    queue.done(queue.take(), 60.0, succeeded=False, due=115.0)
    queue.take()
    queue.release(116.0)
    assert queue.next_due() is None
    assert queue.done("held", 120.0, succeeded=True, due=500.0) == 500.0


def test_one_that_was_released_waits_from_then_on() -> None:
    queue = queue_of("held")
    queue.done(queue.take(), 60.0, succeeded=False, due=115.0)
    assert queue.longest_wait(80.0) == 0.0
    queue.release(70.0)
    assert queue.longest_wait(80.0) == 20.0


def test_a_success_in_between_leaves_nothing_to_release() -> None:
    queue = queue_of("held")
    queue.done(queue.take(), 60.0, succeeded=False, due=115.0)
    queue.done(queue.take(), 116.0, succeeded=True, due=500.0)
    queue.release(120.0)
    assert queue.next_due() == 500.0


def test_a_failure_for_which_nothing_was_sent_counts_as_the_first() -> None:
    queue = queue_of("held", interval=1.0)
    queue.done(queue.take(), 60.0, succeeded=False, due=115.0)
    assert queue.done(queue.take(), 115.0, succeeded=False) == 115.0 + retry_delay(2, 1.0)
