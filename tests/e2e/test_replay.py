"""`replay` tells what would have been reported, beside a running daemon, for few requests, in the promised form."""

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.simulator.schedule import ON_DEMAND, every
from tests.e2e.command import Daemon, run_command, wait_for
from tests.e2e.scraping import sample, scrape
from tests.e2e.worlds import AMPLE_LIMITS, HeldClock, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

HOURLY, BROKEN = "hourly", "broken"
LIMITS = ("failed_syncs", "failed_rows", "start_delay", "sync_duration", "lag", "success_age", "rows_synced")
PAST_PAGES = 15
"""Six days of an hourly sync, ten a page."""
LEARNED = 4 * 24 - 1 + 3
"""Syncs that the daemon learns from: four days of the hourly one, and those of the broken one."""


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    clock = HeldClock()
    clock.hold()  # so that no sync finishes meanwhile
    world = World(7, clock.now() - timedelta(seconds=10))
    world.add_workspace("production", limits=AMPLE_LIMITS)
    world.add_integration(
        "production", HOURLY, integration_id=HOURLY, schedule=every(hours=1), history=timedelta(days=6)
    )
    world.add_integration("production", BROKEN, integration_id=BROKEN, schedule=ON_DEMAND)
    for word in ("success", "error", "error"):
        world.advance(world.now + timedelta(seconds=1))
        world.start_sync(BROKEN, duration=timedelta(0), word=word)
    with SimulatedBraze(world, clock=clock) as braze:
        configure(tmp_path, braze)
        yield braze


def configure(directory: Path, braze: SimulatedBraze, *, history: str = "4d", **more: Any) -> None:
    entry = workspace_entry(braze.world, "production", braze.url, **more)
    write_config(directory, [entry], history=history, interval="10m")


def replay(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(directory, "replay", "--since", "2d", *arguments)


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON that is all of standard output."""
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def by_id(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {one["integration_id"]: one for one in document(done)["integrations"]}


def requests(braze: SimulatedBraze) -> int:
    """How often the endpoint of an integration was asked."""
    asked = braze.call(lambda world: dict(world.requests["production"]))
    return sum(count for (endpoint, _), count in asked.items() if endpoint is Endpoint.JOB_SYNC_STATUS)


def test_the_json_has_the_promised_form(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = replay(tmp_path, "--output", "json")
    assert done.returncode == 0
    found = document(done)
    assert set(found) == {"since", "until", "integrations", "failed"}
    since, until = (datetime.fromisoformat(found[key]) for key in ("since", "until"))
    assert (until - since, until.utcoffset(), found["failed"]) == (timedelta(days=2), timedelta(0), [])
    assert set(by_id(done)) == {HOURLY, BROKEN}
    for one in found["integrations"]:
        assert set(one) == {"workspace", "integration_id", "integration_name", "syncs", "limits", "problems"}
        assert set(LIMITS) <= set(one["limits"])
        assert all(set(limit) == {"value", "source"} for limit in one["limits"].values())
    assert 45 <= by_id(done)[HOURLY]["syncs"] <= 49
    assert by_id(done)[HOURLY]["limits"]["sync_duration"]["source"] == "learned"
    (problem,) = by_id(done)[BROKEN]["problems"]
    assert set(problem) == {"problem", "severity", "began_at", "ended_at", "value", "limit", "text"}
    assert (problem["problem"], problem["severity"], problem["ended_at"]) == ("failing", "critical", None)
    assert (problem["value"], problem["limit"]) == (2, 1)
    assert since < datetime.fromisoformat(problem["began_at"]) <= until


def test_the_table_has_a_row_a_problem_and_a_summary(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = replay(tmp_path, "--integration", BROKEN)
    assert done.returncode == 0
    table, summary = done.stdout.split("\n\n")
    headings, row = table.splitlines()
    words = ["INTEGRATION", "PROBLEM", "SEVERITY", "FROM", "(UTC)", "UNTIL", "(UTC)", "VALUE", "LIMIT"]
    assert headings.split() == words
    assert [*row.split()[:3], *row.split()[-3:]] == [BROKEN, "failing", "critical", "still", "2", "1"]
    assert [line.split() for line in summary.splitlines()] == [
        ["INTEGRATION", "PROBLEM", "TIMES", "CRITICAL"],
        [BROKEN, "failing", "1", "1"],
    ]


def test_the_cost_comes_first_then_progress(braze: SimulatedBraze, tmp_path: Path) -> None:
    cost, *progress = replay(tmp_path).stderr.splitlines()
    assert cost.startswith("production: requests: about 2, ")
    assert cost.endswith("at 1500 a minute")  # a quarter of the limit
    assert [line.split(": ")[:3] for line in progress] == [
        ["production", f"{number} of 2", name] for number, name in enumerate((HOURLY, BROKEN), 1)
    ]
    assert progress[1].endswith(": 3 syncs, 1 problem")


def test_what_cannot_be_read_is_named_and_the_rest_printed(braze: SimulatedBraze, tmp_path: Path) -> None:
    braze.call(lambda world: world.faults.add("http_404", integration_id=HOURLY))
    done = replay(tmp_path, "--output", "json")
    assert done.returncode == 1
    assert set(by_id(done)) == {BROKEN}
    (failed,) = document(done)["failed"]
    assert (set(failed), failed["integration_id"]) == ({"workspace", "integration_id", "reason"}, HOURLY)
    assert "Braze answered 404" in failed["reason"]


def test_only_the_integrations_named_and_one_that_nobody_knows(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = replay(tmp_path, "--integration", BROKEN, "--integration", "other", "--output", "json")
    assert done.returncode == 1
    assert set(by_id(done)) == {BROKEN}
    (failed,) = document(done)["failed"]
    assert failed["integration_id"] == "other"
    done = replay(tmp_path, "--integration", BROKEN, "--integration", HOURLY, "--output", "json")
    assert (done.returncode, set(by_id(done))) == (0, {BROKEN, HOURLY})


def test_without_history_nothing_is_learned_or_read_for_it(braze: SimulatedBraze, tmp_path: Path) -> None:
    configure(tmp_path, braze, history="0")
    done = replay(tmp_path, "--integration", HOURLY, "--output", "json")
    limits = by_id(done)[HOURLY]["limits"]
    assert {limit["source"] for limit in limits.values()} <= {"default", "off"}
    assert requests(braze) < PAST_PAGES / 2


def test_discovered_integrations_are_replayed_too(braze: SimulatedBraze, tmp_path: Path) -> None:
    configure(tmp_path, braze, integrations=[], discovery={"enabled": True, "exclude": [f"^{HOURLY}"]})
    done = replay(tmp_path, "--output", "json")
    assert (done.returncode, set(by_id(done))) == (0, {BROKEN})
    braze.call(lambda world: world.faults.add("http_403", endpoint=Endpoint.INTEGRATIONS))
    done = replay(tmp_path, "--output", "json")
    assert done.returncode == 1
    assert document(done)["failed"][0]["reason"] == "Braze's list could not be read"


def test_a_running_daemon_lends_its_state_untouched_and_saves_requests(braze: SimulatedBraze, tmp_path: Path) -> None:
    alone = by_id(replay(tmp_path, "--output", "json"))
    assert requests(braze) >= PAST_PAGES
    with Daemon(tmp_path) as daemon:
        ratio = sample("braze_cdi_exporter_history_read_ratio", workspace="production")
        wait_for("the history is read", lambda: scrape(daemon.port).get(ratio) == 1)
        # What the daemon learns from it is the last that it writes while no sync finishes.
        wait_for("all of it is learned from", lambda: sum(learned(daemon)) >= LEARNED)
        files = sorted((tmp_path / "data").iterdir())
        before = list(map(fingerprint, files))
        asked = requests(braze)
        done = replay(tmp_path, "--output", "json")
        # The first page of each integration, and two days that the daemon does not learn from.
        assert requests(braze) - asked <= 2 + 5
        assert sorted((tmp_path / "data").iterdir()) == files
        assert list(map(fingerprint, files)) == before
    assert done.returncode == 0
    assert {key: one["problems"] for key, one in by_id(done).items()} == {
        key: one["problems"] for key, one in alone.items()
    }


def learned(daemon: Daemon) -> list[float]:
    return [value for series, value in scrape(daemon.port).items() if series[0] == "braze_cdi_learned_syncs"]


def fingerprint(path: Path) -> tuple[str, str, int]:
    return path.name, sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def test_wrong_flags_ask_nothing(tmp_path: Path) -> None:
    with SimulatedBraze(quiet_world("production")) as braze:
        configure(tmp_path, braze)
        for arguments in (["--since", "often"], ["--output", "yaml"]):
            done = run_command(tmp_path, "replay", *arguments)
            assert (done.returncode, done.stdout) == (2, "")
        assert requests(braze) == 0
