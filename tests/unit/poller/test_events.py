"""Events about integrations: a line when something begins, a line when it ends, one for a cause, with its figures."""

from datetime import timedelta

from exporter.domain.discovery import NameFilter
from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration
from exporter.domain.settings import RateLimits
from tests.log_lines import documented, parse
from tests.polling import LIST, OWN, WORKSPACE, Polling, in_virtual_time

NO_LIST, NO_STATUS = "integrations_permission_lost", "job_sync_status_permission_lost"
COMMON = {"ts", "level", "msg", "workspace", "integration_id", "integration_name"}
DOCUMENTED = documented()
LIKE = {
    event: DOCUMENTED[other][1]
    for other, events in {
        "problem began": ("integration gone", "integration paused"),
        "problem ended": ("integration is back", "integration resumed"),
        "outage began": ("key refused", "permission refused"),
        "outage ended": ("key accepted again", "permission granted again"),
    }.items()
    for event in events
}
"""The fields of the events that have those of another."""


def events(braze: Polling, *names: str) -> list[dict[str, str]]:
    """The lines of these events, or all; each is as it is documented."""
    lines = parse(braze.lines())
    for line in lines:
        levels, fields = DOCUMENTED[line["msg"]]
        assert line["level"] in levels.split(", "), line
        assert line.keys() - COMMON <= fields | LIKE.get(line["msg"], set()), line
    return [line for line in lines if not names or line["msg"] in names]


def names(braze: Polling, since: int = 0) -> list[str]:
    return [line["msg"] for line in parse(braze.lines())[since:]]


@in_virtual_time
async def test_a_sync_that_finishes_is_told_with_its_figures(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[users])
    await braze.passes(minutes=2)
    braze.world.start_sync(
        users, duration=timedelta(seconds=90), word="partial", rows_synced=990, rows_failed_with_errors=10
    )
    await braze.passes(minutes=4)
    (finished,) = events(braze, "sync finished")
    assert (finished.pop("level"), finished.pop("workspace")) == ("info", WORKSPACE)
    assert finished.pop("ts")
    assert finished.pop("started").startswith("2026-03-02T08:02:0")
    about = {"msg": "sync finished", "integration_id": users, "integration_name": "users"}
    assert finished == {**about, "status": "partial", "seconds": "90", "rows": "990", "rows_failed": "10"}


@in_virtual_time
async def test_a_problem_is_told_when_it_begins_changes_and_ends(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(configured=[Integration(WORKSPACE, users, users, limits=LimitSettings({"failed_syncs": 1.0}))])
    await braze.passes(minutes=2)
    for word in ("error", "error", "success"):
        braze.sync(users, word=word)
        await braze.passes(minutes=10)
    failed, was_failed, failing, was_failing = events(braze, "problem began", "problem ended")
    assert [line["problem"] for line in (failed, was_failed, failing, was_failing)] == [
        *("failed", "failed", "failing", "failing")
    ]
    assert [line["level"] for line in (failed, was_failed, failing, was_failing)] == ["warn", "info", "warn", "info"]
    assert was_failed["still"] == "failing"
    assert (failing["severity"], failing["value"], failing["limit"]) == ("critical", "2", "1")
    assert "2 failed syncs in a row" in failing["text"]
    assert failing["since"].startswith("2026-03-02T08:0")
    assert 590 <= int(was_failed["seconds"]) <= 720
    assert 1190 <= int(was_failing["seconds"]) <= 1320
    assert "still" not in was_failing


@in_virtual_time
async def test_what_held_before_a_restart_is_not_told_again(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=2)
    braze.sync(users, word="config_error")
    await braze.passes(minutes=3)
    assert names(braze) == ["integration found", "sync finished", "problem began"]
    await braze.restart()
    braze.watch(discovery=True)
    await braze.passes(minutes=3)
    assert len(names(braze)) == 3
    braze.sync(users)
    await braze.passes(minutes=3)
    assert names(braze)[3:] == ["sync finished", "problem ended"]


@in_virtual_time
async def test_integrations_are_told_by_name_when_found_gone_and_back(braze: Polling) -> None:
    users = braze.add("users")
    braze.add("orders")
    braze.watch(discovery=True)
    await braze.passes(minutes=2)
    assert {line["integration_name"] for line in events(braze, "integration found")} == {"users", "orders"}
    braze.unlist(users)
    await braze.passes(minutes=4)
    braze.relist(users)
    await braze.passes(minutes=2)
    gone, back = events(braze)[2:]
    assert (gone["msg"], gone["level"], gone["integration_name"]) == ("integration gone", "warn", "users")
    assert (back["msg"], back["level"]) == ("integration is back", "info")
    assert 60 <= float(back["seconds"]) <= 240


@in_virtual_time
async def test_of_many_that_are_found_at_once_some_are_named_and_the_others_counted(braze: Polling) -> None:
    for n in range(40):
        braze.add(f"integration {n:02}")
    braze.watch(discovery=True)
    await braze.passes(minutes=5)
    assert names(braze) == ["integration found"] * 10 + ["more integrations found"]
    (more,) = events(braze, "more integrations found")
    assert (more["level"], more["integrations"]) == ("info", "30")
    for n in range(3):
        braze.add(f"later {n:02}")
    await braze.passes(minutes=5)
    assert names(braze)[11:] == ["integration found"] * 3


@in_virtual_time
async def test_a_list_that_is_cut_by_the_end_is_counted_all_the_same(braze: Polling) -> None:
    for n in range(300):
        braze.add(f"integration {n:03}")
    braze.watch(discovery=True)
    await braze.passes(seconds=15)
    await braze.restart()
    braze.watch(discovery=True)
    await braze.passes(minutes=5)
    more = [int(line["integrations"]) for line in events(braze, "more integrations found")]
    assert len(more) == 2
    assert sum(more) + len(events(braze, "integration found")) == 300


@in_virtual_time
async def test_what_was_found_is_counted_although_the_list_breaks_off(braze: Polling) -> None:
    for n in range(40):
        braze.add(f"integration {n:02}")
    braze.world.faults.add("http_503", endpoint=LIST, page=2)
    braze.watch(discovery=True)
    await braze.passes(minutes=1)
    assert names(braze)[:11] == ["integration found"] * 10 + ["more integrations found"]
    assert events(braze, "more integrations found")[0]["integrations"] == "10"


@in_virtual_time
async def test_pausing_and_resuming_are_told(braze: Polling) -> None:
    users = braze.add("users")
    braze.watch(discovery=True)
    await braze.passes(minutes=2)
    braze.world.switch("paused", users)
    await braze.passes(minutes=5)
    braze.world.clear("paused", users)
    await braze.passes(minutes=5)
    assert names(braze)[1:] == ["integration paused", "integration resumed"]


async def watch_twenty(braze: Polling) -> tuple[list[str], int]:
    """Watch integrations that no list shows; return their ids, and how many lines that took."""
    ids = [braze.add(f"integration {n:02}") for n in range(20)]
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids)
    await braze.passes(minutes=5)
    return ids, len(names(braze))


@in_virtual_time
async def test_an_outage_is_told_once_without_a_name_and_its_end_with_how_long_it_was(braze: Polling) -> None:
    _, before = await watch_twenty(braze)
    fault = braze.world.faults.add("http_500", endpoint=OWN)
    await braze.passes(minutes=30)
    braze.world.faults.remove(fault)
    await braze.passes(minutes=5)
    began, whole, ended = events(braze)[before:]
    assert [line["msg"] for line in (began, whole, ended)] == [
        *("outage began", "outage of the whole workspace", "outage ended")
    ]
    assert (began["failing"], began["integrations"], began["reason"]) == ("5", "20", "server_error")
    assert whole["failing"] == ended["failing"] == "20"
    assert not any("integration_id" in line for line in (began, whole, ended))
    assert 30 * 60 <= float(ended["seconds"]) <= 32 * 60
    assert began["since"].startswith("2026-03-02T08:05:")


@in_virtual_time
async def test_one_that_fails_alone_is_told_by_name_whatever_the_reason(braze: Polling) -> None:
    ids, before = await watch_twenty(braze)
    fault = braze.world.faults.add("http_500", integration_id=ids[7])
    await braze.passes(minutes=20)
    braze.world.faults.remove(fault)
    await braze.passes(minutes=5)
    failed, stale, fresh, again = events(braze)[before:]
    assert [line["msg"] for line in (failed, stale, fresh, again)] == [
        *("poll failed", "problem began", "problem ended", "poll succeeded again")
    ]
    assert stale["problem"] == fresh["problem"] == "stale"
    assert {line["integration_id"] for line in (failed, stale, fresh, again)} == {ids[7]}
    assert 20 * 60 <= float(again["seconds"]) <= 22 * 60


@in_virtual_time
async def test_a_failure_that_one_more_try_ends_is_no_news(braze: Polling) -> None:
    ids, before = await watch_twenty(braze)
    fault = braze.world.faults.add("http_500", integration_id=ids[7])
    await braze.passes(minutes=1)
    braze.world.faults.remove(fault)
    await braze.passes(minutes=5)
    assert names(braze, before) == []


@in_virtual_time
async def test_a_refused_key_is_told_once_and_when_it_is_accepted_again(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:02}") for n in range(20)]
    braze.watch(configured=ids)
    await braze.passes(minutes=5)
    keys = braze.world.workspaces[WORKSPACE].keys
    taken = dict(keys)
    before = len(names(braze))
    keys.clear()
    await braze.passes(minutes=30)
    keys.update(taken)
    await braze.passes(minutes=5)
    told = events(braze)[before:]
    of_key = [line for line in told if "key" in line["msg"]]
    assert [line["msg"] for line in of_key] == ["key refused", "key accepted again"]
    assert of_key[0]["integrations"] == "20"
    assert "401" in of_key[0]["error"]
    assert 29 * 60 <= float(of_key[1]["seconds"]) <= 33 * 60
    assert not any("integration_id" in line for line in told)
    assert {line["msg"] for line in told} <= {
        *("key refused", "key accepted again"),
        *("the list of integrations cannot be read", "the list of integrations can be read again"),
    }


@in_virtual_time
async def test_a_refused_key_is_told_of_a_single_integration_too(braze: Polling) -> None:
    users = braze.add("users")
    braze.world.workspaces[WORKSPACE].keys.clear()
    braze.watch(configured=[users])
    await braze.passes(minutes=10)
    assert [line["msg"] for line in events(braze) if line["level"] == "warn"].count("key refused") == 1
    assert "poll failed" not in names(braze)


@in_virtual_time
async def test_a_rate_limit_that_is_too_low_is_told_after_a_while_and_its_end(braze: Polling) -> None:
    ids = [braze.add(f"integration {n:03}") for n in range(100)]
    braze.world.switch(NO_LIST, WORKSPACE)
    braze.watch(configured=ids, limits=RateLimits(job_sync_status=60, integrations=50, share=0.5))
    await braze.passes(minutes=4)
    assert "the rate limit is too low for the interval" not in names(braze)
    await braze.passes(minutes=10)
    (short,) = events(braze, "the rate limit is too low for the interval")
    assert (short["level"], short["wanted_seconds"]) == ("warn", "60")
    assert int(short["interval_seconds"]) >= 190
    braze.world.clear(NO_LIST, WORKSPACE)
    await braze.passes(minutes=10)
    assert names(braze)[-1] == "polls come as often as configured again"


@in_virtual_time
async def test_a_start_that_needs_more_for_a_moment_is_no_news(braze: Polling) -> None:
    for number in range(100):
        braze.add(f"integration {number:03}")
    braze.watch(discovery=True, names=NameFilter())
    await braze.passes(minutes=20)
    assert {line["level"] for line in events(braze)} == {"info"}
    assert braze.requests(LIST) > 0


@in_virtual_time
async def test_a_restart_during_an_outage_ends_no_problem_in_the_log(braze: Polling) -> None:
    ids = [braze.add(name) for name in "abc"]
    for one in ids:
        braze.sync(one)
    braze.watch(configured=ids)
    await braze.passes(minutes=5)
    braze.world.faults.add("http_503")
    await braze.passes(minutes=5)
    assert all("poll_failing" in kinds for kinds in (str(braze.problems(one)) for one in ids))
    await braze.restart()
    braze.watch(configured=ids)
    await braze.passes(minutes=3)
    assert events(braze, "outage began")
    assert events(braze, "problem ended") == []
