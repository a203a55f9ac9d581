from collections import Counter
from datetime import timedelta

from exporter.domain.model import SyncStatus
from exporter.simulator.behaviour import BEHAVIOURS
from exporter.simulator.presets import begin_later_problems, build_demo_world, build_fleet, demo_workspaces
from exporter.simulator.schedule import ScheduleKind
from exporter.simulator.style import Style
from tests.unit.simulator.asking import HOUR, MINUTE, NOON, ask_status, results


def test_the_demo_shows_every_behaviour_but_the_undocumented_status_and_one_that_never_ran() -> None:
    world = build_demo_world(1, NOON)
    shown = [integration.behaviour for integration in world.integrations.values()]
    missing = {name for name, behaviour in BEHAVIOURS.items() if behaviour not in shown}
    assert missing == {"limit_exceeded"}
    assert [
        integration.name for integration in world.integrations.values() if not world.truth(integration.integration_id)
    ] == ["trial_signups"]


def test_the_demo_answers_in_the_style_it_is_given() -> None:
    world = build_demo_world(1, NOON, Style(capitalised=True, fraction_digits=0))
    space = demo_workspaces(world)[0]
    latest = results(ask_status(world, space.integrations[0].integration_id, key=space.key))[-1]
    assert (latest["job_status"], len(latest["sync_start_time"])) == ("Success", len("2026-03-01T12:00:00Z"))


def test_the_demo_tells_what_a_configuration_needs() -> None:
    world = build_demo_world(1, NOON)
    spaces = demo_workspaces(world)
    sizes = {space.name: len(space.integrations) for space in spaces}
    assert sizes == {"production": 10, "marketing-eu": 9, "crm": 3}
    for space in spaces:
        for each in space.integrations:
            assert ask_status(world, each.integration_id, key=space.key).status == 200
            assert world.integrations[each.integration_id].name == each.name


def test_more_problems_begin_when_the_demo_has_run_for_a_while() -> None:
    world = build_demo_world(1, NOON)
    production, marketing, _ = demo_workspaces(world)
    ids = {each.name: each.integration_id for each in (*production.integrations, *marketing.integrations)}
    begin_later_problems(world)
    assert "unscheduled" in world.integrations[ids["birthday_offers"]].problems
    assert ids["old_segments"] not in world.integrations
    assert ask_status(world, ids["push_tokens"], key=marketing.key).status == 500


def test_the_demo_has_a_past_of_several_pages_and_moves_within_a_minute() -> None:
    world = build_demo_world(1, NOON)
    lengths = {integration.name: len(world.truth(each)) for each, integration in world.integrations.items()}
    assert sum(length > 30 for length in lengths.values()) >= 9
    world.advance(NOON + MINUTE)
    moved = [
        each.name for each in world.integrations.values() if len(world.truth(each.integration_id)) > lengths[each.name]
    ]
    assert len(moved) >= 7


def test_the_demo_fits_the_documented_rate_limits() -> None:
    for space in demo_workspaces(build_demo_world(1, NOON)):
        assert len(space.integrations) <= 10  # every ten seconds: 60 of 100 requests a minute


def test_a_fleet_has_the_size_asked_for_and_a_mixture_of_plans() -> None:
    world = build_fleet(1, NOON, workspaces=3, integrations_each=100)
    assert [len(workspace.integrations) for workspace in world.workspaces.values()] == [100, 100, 100]
    kinds = Counter(integration.schedule.kind for integration in world.integrations.values())
    assert kinds[ScheduleKind.SCHEDULED] > kinds[ScheduleKind.EVENT_DRIVEN] > kinds[ScheduleKind.ON_DEMAND] > 0
    intervals = {
        each.schedule.interval for each in world.integrations.values() if each.schedule.kind is ScheduleKind.SCHEDULED
    }
    assert {timedelta(minutes=5), timedelta(days=1)} < intervals


def test_a_fleet_has_a_past_of_more_than_a_page_and_goes_on() -> None:
    world = build_fleet(2, NOON, workspaces=1, integrations_each=200)
    before = {each: len(world.truth(each)) for each in world.integrations}
    assert sum(length > 10 for length in before.values()) > 190
    world.advance(NOON + HOUR)
    new = [sync for each, length in before.items() for sync in world.truth(each)[length:]]
    assert len(new) > 200
    assert {SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR} <= {sync.job_status for sync in new}


def test_the_same_seed_gives_the_same_fleet() -> None:
    one, other = (build_fleet(5, NOON, workspaces=2, integrations_each=20) for _ in range(2))
    assert list(one.integrations) == list(other.integrations)
    assert all(one.truth(each) == other.truth(each) for each in one.integrations)
    assert results(ask_status(one, next(iter(one.integrations)), key="key-of-workspace-000"))
