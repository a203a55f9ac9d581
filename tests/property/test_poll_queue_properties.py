"""Whatever hurries and fails: everyone gets a turn within a bound, and failing asks no more often than succeeding."""

from itertools import combinations

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.domain.poll_queue import HEAD_START_SECONDS, LATEST_RETRY_SECONDS, PollQueue, retry_delay

INTERVALS = st.floats(min_value=1, max_value=7200)
KEYS = [f"integration {n}" for n in range(12)]


@given(
    hurries=st.lists(st.lists(st.sampled_from(KEYS), max_size=12), min_size=1, max_size=12),
    sights=st.lists(st.lists(st.sampled_from(KEYS), max_size=12), min_size=1, max_size=12),
    service=st.floats(min_value=1, max_value=30),
)
@example(hurries=[KEYS[1:]], sights=[[]], service=30.0)
@example(hurries=[KEYS[1:]], sights=[[KEYS[0]]], service=30.0)
def test_nobody_starves_however_the_others_hurry(
    hurries: list[list[str]], sights: list[list[str]], service: float
) -> None:
    """One poll every *service* seconds; in between some are hurried, and some are told to come when they are due."""
    queue = PollQueue(60.0)
    due = dict.fromkeys(KEYS, 0.0)
    for key in KEYS:
        queue.add(key, 0.0)
    longest_wait, now = 0.0, 0.0
    for step in range(400):
        for key in hurries[step % len(hurries)]:
            queue.expedite(key, now)
        for key in sights[step % len(sights)]:
            queue.reschedule(key, due[key])
        next_due = queue.next_due()
        if next_due is not None and next_due <= now:
            key = queue.take()
            longest_wait = max(longest_wait, now - due[key])
            due[key] = queue.done(key, now, succeeded=True)
        now += service
    waiting = max(now - turn for turn in due.values())
    assert max(longest_wait, waiting) <= HEAD_START_SECONDS + (len(KEYS) + 2) * service


@given(INTERVALS, st.integers(min_value=1, max_value=200))
def test_failing_all_the_time_never_asks_more_often_than_succeeding(interval: float, polls: int) -> None:
    asked = 0.0
    for failures in range(1, polls + 1):
        asked += retry_delay(failures, interval)
        # What is asked too early after one failure is made good by the next.
        assert asked >= failures * interval - max(0.0, interval - LATEST_RETRY_SECONDS) - 1e-6 * asked


@given(INTERVALS, st.integers(min_value=0, max_value=10_000))
def test_after_a_failure_that_follows_a_success_the_next_try_comes_within_a_minute(interval: float, more: int) -> None:
    assert 0 < retry_delay(1, interval) <= LATEST_RETRY_SECONDS
    assert 0 < retry_delay(1 + more, interval) <= max(LATEST_RETRY_SECONDS, 2 * interval)


@given(INTERVALS, st.lists(st.booleans(), min_size=1, max_size=60))
def test_an_integration_that_sometimes_fails_is_asked_at_most_twice_an_interval(
    interval: float, outcomes: list[bool]
) -> None:
    queue = PollQueue(interval)
    queue.add("a", 0.0)
    times = []
    for succeeded in outcomes:
        now = queue.next_due()
        assert now is not None
        times.append(now)
        queue.done(queue.take(), now, succeeded=succeeded)
    for first, last in combinations(range(len(times)), 2):
        assert last - first <= 2 * (times[last] - times[first]) / interval + 2
