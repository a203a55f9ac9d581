"""
The main job: the installed daemon watches a Braze where everything happens at once, and its page tells the truth.

The world's time is held while the daemon looks for the first time, so that "first sight" is one known state; then it
goes on until every integration has moved, and is held again: now every sample can be compared with what happened.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.simulator.behaviour import Scale
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import ON_DEMAND, Schedule, every, on_arrival
from exporter.simulator.style import Style
from tests.components import component
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import Samples, ask, sample, scrape
from tests.e2e.truth import Watching
from tests.e2e.verdict import Verdict
from tests.e2e.worlds import AMPLE_LIMITS, STATUS_PERMISSION, HeldClock, finish_sync, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

AWKWARD = 'we"ird\\ näme 🦊 {a="b"} # x'
SHORT = Scale(seconds=(1, 2), rows=(50, 5000))
PAST = timedelta(minutes=3)
NEW_SYNCS = 2
"""How many syncs each integration that runs at all finishes before the second comparison."""
BURST = 25
"""Syncs that one integration finishes within one poll interval: three pages."""

CHARACTERS: tuple[tuple[str, str, str, Schedule, Profile], ...] = (
    ("production", "users", "healthy", every(seconds=4), Profile()),
    ("production", "purchases", "ordinary", every(seconds=3), Profile("bigquery")),
    ("production", "newsletter", "partly_failing", every(seconds=4), Profile("redshift")),
    ("production", "loyalty", "failing_twice", every(seconds=3), Profile("databricks")),
    ("production", "churn", "misconfigured", every(seconds=5), Profile()),
    ("production", "catalog", "running_too_long", every(seconds=5), Profile()),
    ("production", "winback", "paused", every(seconds=5), Profile()),
    ("production", "refunds", "silent_stop", every(seconds=4), Profile()),
    ("production", "consent", "boundary_resync", every(seconds=5), Profile()),
    ("production", AWKWARD, "future_watermark", every(seconds=4), Profile()),
    ("europe", "events_s3", "event_driven", on_arrival(timedelta(seconds=3)), Profile("s3")),
    ("europe", "states", "falling_behind", every(seconds=4), Profile()),
    ("europe", "limits", "limit_exceeded", every(seconds=3), Profile()),
    *(("growth", f"prod_{each}", "healthy", every(seconds=3), Profile()) for each in range(12)),
    ("growth", "test_audience", "healthy", every(seconds=3), Profile()),
)
UNDER_WAY = 11
"""Requests that one workspace makes at the same time, at most."""
STANDING = {"catalog", "winback", "refunds", "trial", "by_hand", "test_audience"}
"""No sync of these finishes by itself; or nobody watches."""


@dataclass
class Stage:
    """The daemon and the world it watches."""

    clock: HeldClock
    daemon: Daemon
    verdict: Verdict

    @property
    def braze(self) -> SimulatedBraze:
        return self.verdict.braze

    def settle(self) -> Samples:
        return self.verdict.settle(self.daemon.port)


def build_world(now: datetime) -> World:
    world = World(20260101, now, style=Style(fraction_digits=3))
    world.add_workspace("production", limits=AMPLE_LIMITS)
    world.add_workspace("europe", limits=AMPLE_LIMITS, permissions=[STATUS_PERMISSION])
    world.add_workspace("growth", limits=AMPLE_LIMITS)
    for workspace, name, behaviour, schedule, profile in CHARACTERS:
        world.add_integration(
            workspace, name, behaviour=behaviour, schedule=schedule, scale=SHORT, profile=profile, history=PAST
        )
    world.add_integration("production", "trial", schedule=ON_DEMAND)
    by_hand = world.add_integration("europe", "by_hand", schedule=ON_DEMAND)
    world.start_sync(by_hand, duration=timedelta(0), word="success")
    return world


def configure(directory: Path, world: World, url: str) -> list[Watching]:
    """Write the configuration, each workspace with a key of another source, and return what it makes one watch."""
    labels = {"team": AWKWARD}
    production, europe, growth = (workspace_entry(world, name, url) for name in world.workspaces)
    (directory / "braze.key").write_text(f"  {production.pop('api_key')}\n")
    production["api_key_file"] = "braze.key"
    production["integrations"][0]["labels"] = labels
    del europe["api_key"]
    europe["api_key_env"] = "EUROPE_KEY"
    europe["integrations"][-1]["expected_interval"] = "1h"
    del growth["integrations"]
    growth["discovery"] = {"enabled": True, "include": ["^prod"]}
    write_config(directory, [production, europe, growth], history="0")  # what is learned comes at its own time

    watched = [
        Watching(integration.workspace, key, integration.name, listed=integration.workspace != "europe")
        for key, integration in world.integrations.items()
        if integration.name != "test_audience"
    ]
    watched[0] = replace(watched[0], labels=labels)
    watched[-1] = replace(watched[-1], expected_interval=timedelta(hours=1))
    return watched


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    clock = HeldClock()
    clock.hold()
    world = build_world(clock.now())
    with SimulatedBraze(world, clock=clock) as braze:
        verdict = Verdict(braze, configure(tmp_path, world, braze.url))
        with Daemon(tmp_path, env={"EUROPE_KEY": "key-of-europe"}) as daemon:
            wait_for("ready", lambda: ask(daemon.port, "/-/ready").status == 200)
            verdict.note_first_sight()
            yield Stage(clock, daemon, verdict)


def finished(world: World) -> dict[str, int]:
    return {each.name: sum(world.totals(key).syncs) for key, each in world.integrations.items()}


def finish_many(world: World) -> None:
    """Let so many syncs of `by_hand` finish, a millisecond apart, that one poll has to read several pages."""
    (key,) = (key for key, each in world.integrations.items() if each.name == "by_hand")
    for _ in range(BURST):
        finish_sync(world, key)


def requests(world: World) -> dict[tuple[str, str, int], int]:
    """Return how often Braze was asked, by workspace, endpoint and status of the answer."""
    return {
        (name, str(endpoint), status): count
        for name, asked in world.requests.items()
        for (endpoint, status), count in asked.items()
    }


def counters(samples: Samples) -> Samples:
    return {key: value for key, value in samples.items() if key[0].endswith("_total")}


def test_every_sample_about_integrations_is_what_really_happened(stage: Stage) -> None:
    samples = stage.settle()
    assert {value for (name, _), value in samples.items() if name == "braze_cdi_syncs_total"} == {0}

    at_first = stage.braze.call(finished)
    stage.clock.release()
    seen = counters(samples)

    def everything_moved() -> bool:
        page = counters(scrape(stage.daemon.port))
        assert [key for key, value in seen.items() if page[key] < value] == []
        seen.update(page)
        now = stage.braze.call(finished)
        return all(now[name] - at_first[name] >= NEW_SYNCS for name in now.keys() - STANDING)

    wait_for("every integration has finished syncs", everything_moved)
    stage.braze.call(finish_many)
    stage.clock.hold()
    samples = stage.settle()

    # What the exporter says of itself follows from the same world.
    for workspace, configured, discovered in (("production", 11, 0), ("europe", 4, 0), ("growth", 0, 12)):
        named = {"workspace": workspace}
        assert samples[sample("braze_cdi_exporter_integrations", source="config", **named)] == configured
        assert samples[sample("braze_cdi_exporter_integrations", source="discovery", **named)] == discovered
        assert samples[sample("braze_cdi_exporter_poll_interval_seconds", **named)] == 1
    assert [key for key, value in samples.items() if key[0] == "braze_cdi_exporter_poll_failures_total" and value] == []
    before = stage.braze.call(requests)
    samples = scrape(stage.daemon.port)
    after = stage.braze.call(requests)
    assert {status for name, _, status in after if name == "europe"} == {200, 403}
    for (workspace, endpoint, status), count in after.items():
        labels = {"workspace": workspace, "endpoint": endpoint, "code": str(status)}
        counted = samples[sample("braze_cdi_exporter_api_requests_total", **labels)]
        # Polling goes on: what is under way has been answered there and not been counted here.
        assert before[workspace, endpoint, status] - UNDER_WAY <= counted <= count
    assert stage.daemon.stop()[0] == 0


def test_promtool_finds_nothing_to_mend_on_the_page(stage: Stage) -> None:
    promtool = component("promtool")
    stage.settle()
    page = ask(stage.daemon.port, "/metrics").body
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
