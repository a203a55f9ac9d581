"""Whatever headers claim and requests do: no minute has more than the share of the limit, counted as they are sent."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.braze.endpoints import Endpoint
from exporter.domain.settings import PollSettings, RateLimits
from exporter.simulator.schedule import every
from tests.polling import LIST, OWN, WORKSPACE, Polling, poll_braze

FAULTS = (
    "http_429",
    "http_500",
    "http_401",
    "http_403",
    "hang",
    "reset",
    "throttle_without_headers",
    "throttle_nonsense_headers",
    "throttle_past_reset",
    "throttle_far_reset",
    "throttle_retry_after",
    "throttle_ratelimit_retry_after",
    "limits_missing",
    "limits_nonsense",
    "limits_lie",
    "limits_used_up",
    "html",
    "link_to_itself",
)
PROBLEMS = ("rate_limit_shared", "rate_limit_exhausted", "integrations_permission_lost", "key_rotated")


@dataclass(frozen=True)
class Spell:
    """Some minutes in which things go wrong in the same ways."""

    seconds: int
    faults: tuple[tuple[str, Endpoint | None, int | None], ...]
    problems: frozenset[str]


SPELLS = st.builds(
    Spell,
    st.integers(min_value=20, max_value=150),
    st.lists(
        st.tuples(
            st.sampled_from(FAULTS),
            st.sampled_from((LIST, OWN, None)),
            st.none() | st.integers(min_value=1, max_value=30),
        ),
        max_size=2,
    ).map(tuple),
    st.frozensets(st.sampled_from(PROBLEMS), max_size=1),
)


@settings(max_examples=40)
@given(
    integrations=st.integers(min_value=5, max_value=150),
    interval=st.sampled_from((10.0, 30.0, 60.0, 300.0)),
    limits=st.builds(
        RateLimits,
        job_sync_status=st.integers(min_value=3, max_value=120),
        integrations=st.integers(min_value=3, max_value=60),
        share=st.floats(min_value=0.3, max_value=1.0),
    ),
    spells=st.lists(SPELLS, min_size=1, max_size=3),
)
def test_no_minute_has_more_requests_than_the_share_of_the_limit(
    integrations: int, interval: float, limits: RateLimits, spells: list[Spell]
) -> None:
    async def play(braze: Polling) -> None:
        ids = [
            braze.add(f"integration {n:03}", every(minutes=5), history=timedelta(hours=2)) for n in range(integrations)
        ]
        poll = PollSettings(interval_seconds=interval, verify_after_seconds=120)
        poller = braze.watch(configured=ids[::2], discovery=True, poll=poll, limits=limits)
        for spell in spells:
            for name, endpoint, times in spell.faults:
                braze.world.faults.add(name, endpoint=endpoint, times=times)
            for problem in spell.problems:
                braze.world.switch(problem, WORKSPACE)
            await braze.passes(seconds=spell.seconds)
            braze.world.faults.clear()
            for problem in spell.problems:
                braze.world.clear(problem, WORKSPACE)
        asked = len(braze.asked)
        await braze.passes(minutes=8)
        most = braze.most_in_a_minute()
        assert most[WORKSPACE, OWN] <= max(1, int(limits.job_sync_status * limits.share + 1e-9))
        assert most[WORKSPACE, LIST] <= max(1, int(limits.integrations * limits.share + 1e-9))
        assert len(braze.asked) > asked, "it has stopped asking"
        assert poller.unhealthy() == ()
        assert not [line for line in braze.lines() if "level=error" in line]

    poll_braze(play)
