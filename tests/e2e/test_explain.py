"""`explain` tells the same of a running exporter and of its state, and nothing of what is no exporter."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.schedule import every
from tests.e2e.command import ALONE, Daemon, run_command, wait_for
from tests.e2e.scraping import ask
from tests.e2e.worlds import AMPLE_LIMITS, HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    clock = HeldClock()
    clock.hold()  # so that no sync finishes meanwhile
    world = World(7, clock.now() - timedelta(seconds=10))
    world.add_workspace("a/b", limits=AMPLE_LIMITS)
    world.add_integration("a/b", "users", integration_id="id-1", schedule=every(hours=1), history=timedelta(days=6))
    with SimulatedBraze(world, clock=clock) as braze:
        yield braze


def configure(directory: Path, braze: SimulatedBraze) -> None:
    entry = workspace_entry(braze.world, "a/b", braze.url)
    write_config(directory, [entry], history="4d", interval="10m")


def explained(directory: Path, *arguments: str) -> dict[str, Any]:
    done = run_command(directory, "explain", *arguments, "--output", "json", program=ALONE)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def learned(daemon: Daemon) -> bool:
    document = json.loads(ask(daemon.port, "/api/v1/integrations/a%2Fb/id-1").body)
    return bool(document["integration"]["usual"]["learned_syncs"] >= 95)


def test_a_running_exporter_and_its_state_say_the_same(braze: SimulatedBraze, tmp_path: Path) -> None:
    configure(tmp_path, braze)
    with Daemon(tmp_path) as daemon:
        wait_for("the history is learned from", lambda: learned(daemon))
        running = explained(tmp_path, "users", "--url", f"127.0.0.1:{daemon.port}")
        text = run_command(tmp_path, "explain", "id-1", "--url", f"http://127.0.0.1:{daemon.port}/")
    assert text.stdout.startswith("users (id-1) in a/b, as of ")
    for told in ("Nothing is wrong.", "expected", "sync_duration", "learned from", "it has not been polled before"):
        assert told in text.stdout
    stored = explained(tmp_path, "users")
    assert stored["workspace"] == running["workspace"] == "a/b"
    starts = [[sync["sync_start_time"] for sync in document["past"]] for document in (stored, running)]
    assert starts[0] == starts[1]
    for same in ("id", "problems", "latest_sync", "totals", "history"):
        assert stored["integration"][same] == running["integration"][same]
    for name, limit in running["integration"]["limits"].items():  # on disk what was learned is rounded
        assert stored["integration"]["limits"][name] == {
            **limit,
            "value": limit["value"] and pytest.approx(limit["value"], rel=1e-3),
        }
    assert stored["requests"] == []
    offline = run_command(tmp_path, "explain", "users", program=ALONE)
    assert "reading the state in data" in offline.stderr
    assert "polls" in offline.stdout


def test_what_is_not_watched_and_who_does_not_answer_is_told(braze: SimulatedBraze, tmp_path: Path) -> None:
    configure(tmp_path, braze)
    unknown = run_command(tmp_path, "explain", "nobody", program=ALONE)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no integration with the id or name 'nobody' is watched" in unknown.stderr
    silent = run_command(tmp_path, "explain", "users", "--url", "http://name:secret@127.0.0.1:9")
    assert (silent.returncode, silent.stdout) == (1, "")
    assert silent.stderr.startswith("no exporter answers at 127.0.0.1:9: Connection refused")
    assert "secret" not in silent.stderr
    for url in (braze.url, "file:///etc/passwd", "http://"):
        strange = run_command(tmp_path, "explain", "users", "--url", url)
        assert (strange.returncode, strange.stdout) == (1, "")
        assert len(strange.stderr.splitlines()) == 1


def test_a_wrong_configuration_is_wrong_here_too(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("workspaces: 7\n")
    done = run_command(tmp_path, "explain", "users")
    assert (done.returncode, done.stdout) == (2, "")
