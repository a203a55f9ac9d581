"""Whatever the headers claim: never more than the share of the limit in any minute, and never held back for ever."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.rate_limit import LONGEST_HOLD_SECONDS, WINDOW_SECONDS, RateLimiter

SECONDS = st.floats(min_value=0, max_value=90) | st.floats(min_value=0, max_value=0.5)
LIES = st.none() | st.integers(min_value=-(10**6), max_value=10**15)
RESETS = st.none() | st.floats(min_value=-1e12, max_value=1e12) | st.floats(min_value=-1, max_value=400)
EVENTS = st.one_of(
    st.tuples(st.just("ask"), st.integers(min_value=1, max_value=200)),
    st.tuples(st.just("learn"), st.tuples(LIES, LIES.filter(lambda n: n is None or n >= 0), RESETS)),
    st.tuples(st.just("refuse"), RESETS),
)


@given(
    per_minute=st.integers(min_value=1, max_value=150),
    share=st.floats(min_value=0.05, max_value=1),
    events=st.lists(st.tuples(SECONDS, EVENTS), max_size=60),
)
def test_no_minute_has_more_than_the_share_and_no_hold_lasts(
    per_minute: int, share: float, events: list[tuple[float, tuple[str, object]]]
) -> None:
    now = 1000.0
    limiter = RateLimiter(per_minute, share, now)
    most = max(1, int(per_minute * share + 1e-9))
    minute: deque[float] = deque()
    for pause, (what, how) in events:
        now += pause
        if what == "ask":
            assert isinstance(how, int)
            for _ in range(how):
                if limiter.wait_seconds(now) == 0:
                    limiter.take(now)
                    minute.append(now)
        elif what == "learn":
            assert isinstance(how, tuple)
            limiter.adjust(now, limit=how[0], remaining=how[1], reset_in=how[2])
        else:
            assert how is None or isinstance(how, float)
            assert 0 < limiter.back_off(now, reset_in=how) <= LONGEST_HOLD_SECONDS
        while minute and minute[0] <= now - 60:
            minute.popleft()
        assert len(minute) <= most
        assert 1 <= limiter.allowed <= most
    assert limiter.wait_seconds(now) <= max(LONGEST_HOLD_SECONDS, WINDOW_SECONDS)
    assert limiter.wait_seconds(now + LONGEST_HOLD_SECONDS) == 0
