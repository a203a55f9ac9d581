from collections import Counter
from datetime import timedelta

from exporter.domain.model import SyncStatus
from exporter.simulator.behaviour import BEHAVIOURS
from exporter.simulator.presets import begin_later_problems, populate, watched
from exporter.simulator.schedule import ScheduleKind
from exporter.simulator.style import Style
from tests.fleets import build_fleet
from tests.unit.simulator.asking import HOUR, MINUTE, NOON, ask_status, results
from tests.world import World


def demo_world(style: Style | None = None) -> World:
    world = World(1, NOON, style=style)
    populate(world)
    return world


def test_the_demo_shows_every_behaviour_but_the_undocumented_status_and_one_that_never_ran() -> None:
    world = demo_world()
    shown = [integration.behaviour for integration in world.integrations.values()]
    missing = {name for name, behaviour in BEHAVIOURS.items() if behaviour not in shown}
    assert missing == {"limit_exceeded"}
    assert [
        integration.name for integration in world.integrations.values() if not world.truth(integration.integration_id)
    ] == ["trial_signups"]


def test_the_demo_answers_in_the_style_it_is_given() -> None:
    world = demo_world(Style(capitalised=True, fraction_digits=0))
    latest = results(ask_status(world, world.workspaces["production"].integrations[0]))[-1]
    assert (latest["job_status"], len(latest["sync_start_time"])) == ("Success", len("2026-03-01T12:00:00Z"))


def test_the_demo_tells_what_a_configuration_needs() -> None:
    world = demo_world()
    told = {name: watched(workspace) for name, workspace in world.workspaces.items()}
    assert {name: len(each) for name, each in told.items()} == {"production": 10, "marketing-eu": 9, "crm": 3}
    for name, integrations in told.items():
        for each in integrations:
            assert each.workspace == name
            assert world.integrations[each.integration_id].name == each.integration_name


def test_more_problems_begin_when_the_demo_has_run_for_a_while() -> None:
    world = demo_world()
    ids = {each.name: key for key, each in world.integrations.items()}
    begin_later_problems(world)
    assert "unscheduled" in world.integrations[ids["birthday_offers"]].problems
    assert ids["old_segments"] not in world.integrations
    assert ask_status(world, ids["push_tokens"], key="key-of-marketing-eu").status == 500


def test_the_demo_has_a_past_of_several_pages_and_moves_within_a_minute() -> None:
    world = demo_world()
    lengths = {integration.name: len(world.truth(each)) for each, integration in world.integrations.items()}
    assert sum(length > 30 for length in lengths.values()) >= 9
    world.advance(NOON + MINUTE)
    moved = [
        each.name for each in world.integrations.values() if len(world.truth(each.integration_id)) > lengths[each.name]
    ]
    assert len(moved) >= 7


def test_the_demo_fits_the_documented_rate_limits() -> None:
    for workspace in demo_world().workspaces.values():
        assert len(workspace.integrations) <= 10  # every ten seconds: 60 of 100 requests a minute


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
