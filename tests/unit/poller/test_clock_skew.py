"""
Our clock off by minutes or an hour, or stepped in the middle: what is wrong with syncs is what is wrong on Braze's
clock, at the same moment, through a restart too; and the clock itself is told in one note and one gauge.
"""

from datetime import timedelta

import pytest

from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings
from tests.polling import WORKSPACE, Polling, in_virtual_time, poll_braze

SKEWS = (-3600, -600, 1200, 3600)
"""Seconds by which our clock is ahead."""
Seen = list[tuple[str, dict[str, set[tuple[str, str]]]]]


def of(integration_id: str, name: str, *, every: float | None = None, **limits: float) -> Integration:
    return Integration(WORKSPACE, integration_id, name, expected_interval_seconds=every, limits=LimitSettings(limits))


async def play(
    braze: Polling, *, skew: float = 0, step_after_minutes: float | None = None, blind: str = "http_503"
) -> Seen:
    """Let every problem that has an age come up, by Braze's clock, and return what is seen and when."""
    if step_after_minutes is None:
        braze.clock.step(skew)
    ids = {name: braze.add(name) for name in ("running", "success", "expected", "never", "ahead", "future", "deleted")}
    begin, now = braze.world.start_sync, braze.world.now
    begin(ids["running"], duration=timedelta(hours=3))
    for name in ("success", "expected", "deleted"):
        braze.sync(ids[name])
    begin(ids["ahead"], duration=timedelta(0), word="success", watermark=now + timedelta(minutes=4))
    begin(ids["future"], duration=timedelta(0), word="success", watermark=now + timedelta(minutes=20))
    configured = (
        of(ids["running"], "running", sync_duration=1800),
        of(ids["success"], "success", success_age=1800),
        of(ids["expected"], "expected", every=900, start_delay=600),
        of(ids["never"], "never", every=900, start_delay=600),
        of(ids["ahead"], "ahead"),
        of(ids["future"], "future"),
        of(ids["deleted"], "deleted"),
    )
    seen: Seen = []

    def look(when: str) -> None:
        seen.append((when, {name: braze.problems(key) for name, key in ids.items()}))

    braze.watch(configured=configured)
    minutes = 0.0
    for moment, act in ((2, ""), (12, "step"), (23, ""), (24, "restart"), (28, ""), (45, "blind"), (53, ""), (58, "")):
        await braze.passes(minutes=moment - minutes)
        minutes = moment
        look(f"after {moment} minutes")
        if act == "step" and step_after_minutes == moment:
            braze.clock.step(skew)
        elif act == "restart":
            await braze.restart()
            braze.watch(configured=configured)
            look("before the first answer after a restart")
        elif act == "blind":
            braze.world.faults.add(blind)
    return seen


def played(*, skew: float = 0, step_after_minutes: float | None = None) -> Seen:
    found: Seen = []

    async def test(braze: Polling) -> None:
        found.extend(await play(braze, skew=skew, step_after_minutes=step_after_minutes))

    poll_braze(test)
    return found


@pytest.fixture(scope="module")
def right() -> Seen:
    """What is seen with a clock that is right."""
    return played()


def test_every_problem_with_an_age_comes_up(right: Seen) -> None:
    at_last = {name: {kind for kind, _ in problems} for name, problems in dict(right)["after 45 minutes"].items()}
    assert at_last["running"] == {"running_long"}
    assert at_last["success"] == {"success_too_old"}
    assert at_last["expected"] == {"overdue"}
    assert at_last["never"] == {"never_synced"}
    assert at_last["ahead"] == set()
    assert {kind for kind, _ in dict(right)["after 2 minutes"]["future"]} == {"future_watermark"}
    assert not any("stale" in dict(problems) for problems in dict(right)["after 53 minutes"].values())
    assert all("stale" in dict(problems) for problems in dict(right)["after 58 minutes"].values())


@pytest.mark.parametrize("skew", SKEWS)
def test_the_same_is_wrong_with_a_clock_that_is_off(right: Seen, skew: int) -> None:
    assert played(skew=skew) == right


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_the_same_is_wrong_with_a_clock_that_is_stepped(right: Seen, skew: int) -> None:
    assert played(skew=skew, step_after_minutes=12) == right


@pytest.mark.parametrize("fault", ["date_missing", "date_invalid", "date_long_ago"])
def test_headers_that_tell_no_time_leave_our_clock(right: Seen, fault: str) -> None:
    found: Seen = []

    async def test(braze: Polling) -> None:
        braze.world.faults.add(fault)
        found.extend(await play(braze, blind="reset"))
        kind = "date_missing" if fault == "date_missing" else "date_invalid"
        assert (braze.value("exporter_payload_anomalies_total", kind=kind, endpoint="integrations") or 0) > 3
        assert braze.value("exporter_clock_skew_seconds") is None

    poll_braze(test)
    assert found == right


@in_virtual_time
async def test_absurd_headers_now_and_then_do_no_harm(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    poller = braze.watch(configured=[of(users, "users", success_age=1800)])
    await braze.passes(minutes=5)
    braze.world.faults.add("date_far_ahead", times=4)
    await braze.passes(minutes=10)
    assert braze.problems(users) == set()
    assert abs(braze.value("exporter_clock_skew_seconds") or 99) < 2
    assert poller.notes() == ()
    assert (braze.value("exporter_payload_anomalies_total", kind="date_odd", endpoint="integrations") or 0) > 0


@in_virtual_time
async def test_the_clock_is_told_once_with_what_to_do(braze: Polling) -> None:
    braze.clock.step(1200)
    poller = braze.watch(configured=[braze.add("users")])
    await braze.passes(minutes=12)
    assert abs((braze.value("exporter_clock_skew_seconds", workspace=WORKSPACE) or 0) - 1200) < 2
    (note,) = poller.notes()
    assert "20 min ahead of Braze's" in note
    assert "NTP" in note
    assert sum("clock" in line for line in braze.lines()) == 1
    braze.clock.step(-1200 - 90)
    assert "90 s behind Braze's" in poller.notes()[0] or "1 min 30 s behind Braze's" in poller.notes()[0]
    braze.clock.step(90)
    await braze.passes(minutes=2)
    assert poller.notes() == ()
    assert sum("clock" in line for line in braze.lines()) == 2


@in_virtual_time
async def test_times_shown_are_those_of_braze(braze: Polling) -> None:
    users = braze.add("users")
    braze.sync(users)
    braze.clock.step(3600)
    braze.watch(configured=[users])
    await braze.passes(minutes=3)
    true = braze.clock.true_now().timestamp()
    for name in ("last_poll_timestamp_seconds", "last_poll_success_timestamp_seconds"):
        assert 0 <= true - (braze.value(name, users) or 0) < 65
    finish = braze.value("last_timestamp_synced_seconds", users) or 0
    assert abs((braze.value("last_timestamp_synced_lag_seconds", users) or 0) - (true - finish)) < 2


@in_virtual_time
async def test_a_clock_that_drifts_is_followed(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users], poll=PollSettings(interval_seconds=60))
    for _minute in range(30):
        await braze.passes(minutes=1)
        braze.clock.step(1)
    assert abs((braze.value("exporter_clock_skew_seconds") or 0) - 30) < 3


@in_virtual_time
async def test_what_is_added_while_the_process_is_down_is_first_seen_when_it_is_up(braze: Polling) -> None:
    """Until Braze answers, the time goes on from where the state ends: from before the pause."""
    old, new = braze.add("old"), braze.add("new")
    braze.sync(old)
    braze.watch(configured=[old])
    await braze.passes(minutes=5)
    await braze.restart()
    await braze.passes(minutes=3 * 24 * 60)
    up = braze.clock.now()
    poller = braze.watch(configured=[old, new])
    await braze.passes(minutes=3)
    assert abs(poller.states[new].first_seen_at - up) <= timedelta(seconds=1)
    assert "never_synced" not in {kind for kind, _ in braze.problems(new)}
