"""The latest requests are kept, a few for each integration and for the list, and never more."""

from datetime import UTC, datetime, timedelta

from exporter.domain.asked import HISTORY, Asked
from exporter.domain.settings import PollSettings
from exporter.poller.trail import KEPT, Trail
from exporter.simulator.schedule import every
from tests.polling import Polling, in_virtual_time

SELDOM = PollSettings(interval_seconds=3600, stale_after_seconds=3 * 3600)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def asked(place: int) -> Asked:
    return Asked(NOW + timedelta(minutes=place), "job_sync_status", 1, "200", 0.1, 99, 100, "why")


def test_the_latest_are_kept_latest_first() -> None:
    trail = Trail()
    for place in range(KEPT + 3):
        trail.note("a", asked(place))
    trail.note("", asked(50))
    assert trail.about("a") == tuple(asked(place) for place in range(KEPT + 2, 2, -1))
    assert trail.for_list == (asked(50),)
    assert trail.about("b") == ()


def test_the_pages_of_a_history_do_not_push_out_what_polls_asked() -> None:
    trail = Trail()
    trail.note("a", asked(1))
    for place in range(2, 20):
        trail.note("a", asked(place)._replace(why=HISTORY))
    assert trail.about("a") == (asked(19)._replace(why=HISTORY), asked(1))


def test_what_is_forgotten_is_gone() -> None:
    trail = Trail()
    trail.note("a", asked(1))
    trail.forget("a")
    trail.forget("never seen")
    assert trail.about("a") == ()


@in_virtual_time
async def test_what_was_asked_about_an_integration_and_why_is_known_until_it_is_forgotten(braze: Polling) -> None:
    users = braze.add("users", every(minutes=30), history=timedelta(hours=5))
    poller = braze.watch(discovery=True, poll=SELDOM)
    await braze.passes(minutes=70)
    detail = poller.detail(users)
    assert detail is not None
    assert detail.requests[0].endpoint == "job_sync_status"
    assert [one.why for one in detail.requests if "history" not in one.why][-1] == "it has not been polled before"
    assert {one.endpoint for one in detail.list_requests} == {"integrations"}
    assert detail.past.count >= 10
    assert poller.detail("another") is None
    braze.unlist(users)
    await braze.passes(minutes=130)
    gone = poller.detail(users)
    assert gone is not None
    assert gone.expectation.because == "the integration is gone"
    await braze.passes(minutes=31 * 24 * 60)
    assert poller.detail(users) is None
