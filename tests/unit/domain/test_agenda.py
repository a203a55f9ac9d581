"""Whose turn it is: due times, urgency, retries, and turns that are moved."""

import pytest

from exporter.domain.schedule import HEAD_START_SECONDS, Agenda, next_turn, phase, retry_delay

MINUTE = 60.0


def agenda_of(*keys: str, due: float = 0.0, interval: float = MINUTE) -> Agenda:
    agenda = Agenda(interval)
    for key in keys:
        agenda.add(key, due)
    return agenda


def test_nothing_is_due_where_nothing_is() -> None:
    agenda = Agenda(MINUTE)
    assert agenda.next_due() is None
    with pytest.raises(IndexError):
        agenda.take()


def test_those_that_are_due_go_in_the_order_of_their_due_times() -> None:
    agenda = Agenda(MINUTE)
    for key, due in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        agenda.add(key, due)
    assert [agenda.take() for _ in range(3)] == ["early", "middle", "late"]


def test_one_that_is_being_polled_has_no_turn() -> None:
    agenda = agenda_of("a")
    agenda.take()
    assert agenda.next_due() is None
    assert agenda.done("a", 5, succeeded=True) > 5
    assert agenda.next_due() is not None


def test_one_that_is_known_keeps_its_turn() -> None:
    agenda = agenda_of("a", due=10)
    agenda.add("a", 0)
    assert agenda.next_due() == 10
    assert len(agenda) == 1


def test_an_urgent_one_goes_first() -> None:
    agenda = agenda_of("regular", due=90)
    agenda.add("urgent", 500)
    agenda.hurry("urgent", 100)
    assert agenda.take() == "urgent"


def test_an_urgent_one_does_not_overtake_those_that_have_waited_for_long() -> None:
    agenda = agenda_of("starving", due=100)
    agenda.add("urgent", 500)
    agenda.hurry("urgent", 101 + HEAD_START_SECONDS)
    assert agenda.take() == "starving"


def test_hurrying_again_gives_no_further_advantage_and_no_disadvantage() -> None:
    agenda = agenda_of("first", "second", due=1000)
    agenda.hurry("first", 100)
    agenda.hurry("second", 101)
    agenda.hurry("first", 200)
    assert agenda.take() == "first"


def test_one_that_becomes_urgent_while_it_is_polled_is_polled_once_more() -> None:
    agenda = agenda_of("a")
    agenda.take()
    agenda.hurry("a", 1)
    assert agenda.done("a", 2, succeeded=True, due=5000) == 2
    agenda.take()
    assert agenda.done("a", 3, succeeded=True, due=5000) == 5000


def test_one_that_failed_last_is_not_hurried_before_its_retry() -> None:
    agenda = agenda_of("a")
    agenda.take()
    retry = agenda.done("a", 100, succeeded=False)
    agenda.hurry("a", 101)
    assert agenda.next_due() == retry
    assert agenda.put_off("a", 5000) == retry


def test_one_that_hurried_and_then_failed_waits_for_its_retry() -> None:
    agenda = agenda_of("a")
    agenda.take()
    agenda.hurry("a", 1)
    assert agenda.done("a", 2, succeeded=False) == 2 + retry_delay(1, MINUTE)
    agenda.take()
    assert agenda.done("a", 100, succeeded=True, due=5000) == 5000


def test_a_turn_can_be_put_off_and_moved_back() -> None:
    agenda = agenda_of("a", "b", due=10)
    assert agenda.put_off("a", 4000) == 4000
    assert agenda.take() == "b"
    assert agenda.next_due() == 4000
    assert agenda.put_off("a", 70) == 70
    assert agenda.next_due() == 70


def test_one_that_is_being_polled_is_not_put_off() -> None:
    agenda = agenda_of("a")
    agenda.take()
    agenda.put_off("a", 4000)
    assert agenda.next_due() is None
    assert agenda.done("a", 5, succeeded=True, due=100) == 100


def test_one_that_is_removed_is_never_due_even_if_it_was_being_polled() -> None:
    agenda = agenda_of("a", "b")
    agenda.remove(agenda.take())
    agenda.remove(agenda.take())
    agenda.give_back("a", 10)
    assert agenda.next_due() is None
    agenda.remove("a")


def test_a_retry_comes_within_a_minute_and_a_recovery_takes_the_regular_turn_up_again() -> None:
    agenda = agenda_of("a", interval=300)
    agenda.take()
    assert agenda.done("a", 1000, succeeded=False) == 1060
    agenda.take()
    turn = agenda.done("a", 1060, succeeded=True)
    assert turn == next_turn(1060, 300, phase("a"))


def test_a_turn_is_brought_forward_and_never_put_off_by_that() -> None:
    agenda = agenda_of("a", due=100)
    assert agenda.bring_forward("a", 500) == 100
    assert agenda.bring_forward("a", 50) == 50
    assert agenda.next_due() == 50


def test_a_turn_that_is_not_moved_keeps_its_place_in_the_queue() -> None:
    agenda = agenda_of("a", "b", due=10)
    for _ in range(1000):
        agenda.put_off("b", 10)
        agenda.put_off("a", 10)
    assert [agenda.take(), agenda.take()] == ["a", "b"]
    assert agenda.next_due() is None
    assert len(agenda._heap) <= 2, "it grows with each listing"


def test_the_longest_wait_is_that_of_the_last_poll_among_those_that_are_due() -> None:
    agenda = agenda_of("a", "waiting", "resting", "being polled")
    for _ in range(4):
        agenda.done(agenda.take(), 100, succeeded=True, due=200)
    agenda.put_off("resting", 5000)
    agenda.put_off("being polled", 150)
    agenda.add("never polled yet", 0)
    assert agenda.longest_wait(199) == 99
    assert agenda.take() == "never polled yet"
    assert agenda.take() == "being polled"
    assert agenda.longest_wait(199) == 0
    assert agenda.longest_wait(230) == 130


def test_one_in_a_hurry_is_due_at_once_though_its_turn_was_minutes_ahead() -> None:
    agenda = agenda_of("a", due=100.0 + HEAD_START_SECONDS / 2)
    agenda.hurry("a", 100.0)
    assert agenda.next_due() == 100.0 - HEAD_START_SECONDS


def test_one_in_a_hurry_counts_among_those_that_wait() -> None:
    agenda = agenda_of("a")
    agenda.take()
    agenda.done("a", 5.0, succeeded=True, due=500.0)
    agenda.hurry("a", 50.0)
    assert agenda.longest_wait(50.0) == 45.0


def test_one_in_a_hurry_stays_urgent_when_its_turn_is_brought_to_where_it_is() -> None:
    agenda = agenda_of("a", due=500.0)
    agenda.hurry("a", 100.0)
    assert agenda.bring_forward("a", 100.0) == 100.0
    assert agenda.next_due() == 100.0 - HEAD_START_SECONDS


def test_a_failure_for_which_nothing_was_sent_is_tried_again_as_soon_as_something_may_be() -> None:
    agenda = Agenda(60.0)
    agenda.add("a", 0.0)
    agenda.take()
    agenda.done("a", 0.0, succeeded=False)
    agenda.take()
    assert agenda.done("a", 60.0, succeeded=False, due=75.0) == 75.0
    agenda.take()
    assert agenda.done("a", 75.0, succeeded=False) == 75.0 + 60.0


def test_those_for_which_nothing_was_sent_are_due_when_it_would_be() -> None:
    agenda = agenda_of("held", "refused", "good")
    for _ in range(3):
        agenda.take()
    agenda.done("held", 60.0, succeeded=False, due=115.0)
    agenda.done("refused", 60.0, succeeded=False)
    agenda.done("good", 60.0, succeeded=True, due=500.0)
    agenda.release(70.0)
    assert (agenda.next_due(), agenda.take()) == (70.0, "held")
    assert agenda.next_due() == 120.0


def test_a_release_acts_once_and_puts_nothing_off() -> None:
    agenda = agenda_of("held", "gone")
    for key in (agenda.take(), agenda.take()):
        agenda.done(key, 60.0, succeeded=False, due=115.0)
    agenda.remove("gone")
    agenda.release(200.0)
    assert agenda.next_due() == 115.0
    agenda.done(agenda.take(), 200.0, succeeded=False)
    agenda.release(201.0)
    assert agenda.next_due() == 260.0


def test_a_release_leaves_one_that_is_being_polled_alone() -> None:
    agenda = agenda_of("held")
    agenda.done(agenda.take(), 60.0, succeeded=False, due=115.0)
    agenda.take()
    agenda.release(116.0)
    assert agenda.next_due() is None
    assert agenda.done("held", 120.0, succeeded=True, due=500.0) == 500.0


def test_one_that_was_released_waits_from_then_on() -> None:
    agenda = agenda_of("held")
    agenda.done(agenda.take(), 60.0, succeeded=False, due=115.0)
    assert agenda.longest_wait(80.0) == 0.0
    agenda.release(70.0)
    assert agenda.longest_wait(80.0) == 20.0


def test_a_success_in_between_leaves_nothing_to_release() -> None:
    agenda = agenda_of("held")
    agenda.done(agenda.take(), 60.0, succeeded=False, due=115.0)
    agenda.done(agenda.take(), 116.0, succeeded=True, due=500.0)
    agenda.release(120.0)
    assert agenda.next_due() == 500.0


def test_a_failure_for_which_nothing_was_sent_counts_as_the_first() -> None:
    agenda = agenda_of("held", interval=1.0)
    agenda.done(agenda.take(), 60.0, succeeded=False, due=115.0)
    assert agenda.done(agenda.take(), 115.0, succeeded=False) == 115.0 + retry_delay(2, 1.0)
