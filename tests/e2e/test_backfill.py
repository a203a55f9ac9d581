"""`backfill` writes past syncs as Prometheus' own tool takes them, says how far it has come and what is missing."""

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.domain.model import Sync
from exporter.simulator.schedule import every
from tests.components import component
from tests.e2e.command import COMMAND, PATIENCE_SECONDS, environment, files, run_command
from tests.e2e.worlds import AMPLE_LIMITS, HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

HOURLY, DAILY, BROKEN = "hourly", "daily", "broken"
SINCE = timedelta(days=2)


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    clock = HeldClock()
    clock.hold()  # so that no sync finishes meanwhile
    world = World(7, clock.now())
    world.add_workspace("production", limits=AMPLE_LIMITS)
    for name, hours in ((HOURLY, 1), (DAILY, 24), (BROKEN, 1)):
        world.add_integration(
            "production", name, integration_id=name, schedule=every(hours=hours), history=timedelta(days=4)
        )
    with SimulatedBraze(world, clock=clock) as braze:
        write_config(tmp_path, [workspace_entry(world, "production", braze.url)])
        yield braze


def past(braze: SimulatedBraze, name: str) -> list[Sync]:
    """Return the syncs that finished in the period."""
    since = braze.world.now - SINCE
    return [sync for sync in braze.call(lambda world: world.truth(name)) if sync.finished and sync.finished_at > since]


def last_values(directory: Path, name: str) -> dict[str, float]:
    """Let Prometheus' tool make blocks of the page, and return the last value of each integration's series there."""
    blocks = directory / "blocks"
    (blocks / "wal").mkdir(parents=True)  # as a data folder of Prometheus has it; the tool will not read without
    for command in (["create-blocks-from", "openmetrics", "past.om", str(blocks)], ["dump", str(blocks)]):
        tool = [str(component("promtool")), "tsdb", *command]
        done = subprocess.run(tool, cwd=directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    found: dict[str, float] = {}
    for line in done.stdout.splitlines():
        labels, value, _ = line.rsplit(" ", 2)
        if f'"{name}"' in labels:
            integration = labels.partition('integration_id="')[2].partition('"')[0]
            found[integration] = max(float(value), found.get(integration, 0.0))
    return found


def test_prometheus_takes_the_past_as_it_was(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = run_command(tmp_path, "backfill", "--output", "past.om", "--since", "2d")
    assert (done.returncode, done.stdout) == (0, "")
    *progress, last = done.stderr.splitlines()
    syncs = {name: past(braze, name) for name in (HOURLY, DAILY, BROKEN)}
    assert progress == [
        f"production: {number} of 3: {name}: {len(syncs[name])} syncs" for number, name in enumerate(syncs, 1)
    ]
    assert last.startswith(f"past.om: {sum(map(len, syncs.values()))} syncs since ")
    assert 40 < len(syncs[HOURLY]) < 50
    rows = {name: sum(sync.rows_synced or 0 for sync in of) for name, of in syncs.items()}
    assert last_values(tmp_path, "braze_cdi_rows_synced_total") == rows
    assert "\nbraze_cdi_learned_syncs{" in (tmp_path / "past.om").read_text()


def test_what_cannot_be_had_is_left_out_and_told(braze: SimulatedBraze, tmp_path: Path) -> None:
    braze.call(lambda world: world.faults.add("http_404", integration_id=BROKEN))
    done = run_command(tmp_path, "backfill", "--output", "past.om", "--since", "2d")
    assert (done.returncode, done.stdout) == (1, "")
    assert [line for line in done.stderr.splitlines() if f"{BROKEN}: left out: Braze answered 404" in line]
    assert set(last_values(tmp_path, "braze_cdi_rows_synced_total")) == {HOURLY, DAILY}


@pytest.mark.parametrize("fault", ["http_401", "http_403"])
def test_a_refused_key_leaves_the_file_as_it_was(braze: SimulatedBraze, tmp_path: Path, fault: str) -> None:
    (tmp_path / "past.om").write_text("of yesterday")
    braze.call(lambda world: world.faults.add(fault))
    for output in ("past.om", "new.om"):
        done = run_command(tmp_path, "backfill", "--output", output)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{output} was not written" in done.stderr.splitlines()[-1]
    assert (tmp_path / "past.om").read_text() == "of yesterday"
    assert files(tmp_path) == ["config.yaml", "past.om"]


def test_a_call_that_cannot_succeed_is_refused(braze: SimulatedBraze, tmp_path: Path) -> None:
    for arguments, code, word in (
        (["--output", "past.om", "--since", "often"], 2, "--since"),
        (["--since", "1d"], 2, "--output"),
        (["--output", "past.om", "--config.file", "other.yaml"], 2, "other.yaml: "),
    ):
        done = run_command(tmp_path, "backfill", *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert word in done.stderr.splitlines()[-1]
    assert files(tmp_path) == ["config.yaml"]


def test_a_file_that_cannot_be_written_is_told_before_braze_is_asked(braze: SimulatedBraze, tmp_path: Path) -> None:
    for output, reason in (
        ("missing/past.om", "No such file or directory; name a directory that exists"),
        (".", "Is a directory; name a file in it"),
    ):
        done = run_command(tmp_path, "backfill", "--output", output)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{output} cannot be written: {reason}\n")
    assert braze.call(lambda world: world.requests["production"]) == Counter()
    assert files(tmp_path) == ["config.yaml"]


def test_no_room_for_the_histories_on_their_way_is_told_too(braze: SimulatedBraze, tmp_path: Path) -> None:
    little_room = ("sh", "-c", 'ulimit -f 8 && exec "$@"', "sh", *COMMAND)
    done = run_command(tmp_path, "backfill", "--output", "past.om", "--since", "2d", program=little_room)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        "a temporary file cannot be written: File too large; make room, or let TMPDIR name another directory"
    )
    assert files(tmp_path) == ["config.yaml"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_what_was_there(
    braze: SimulatedBraze, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "past.om").write_text("old")
    before = files(tmp_path)
    braze.call(lambda world: world.faults.add("hang", integration_id=DAILY))
    command = [*COMMAND, "backfill", "--output", "past.om", "--since", "2d"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "1 of 3" in process.stderr.readline()
        process.send_signal(number)
        _, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, rest) == (1, "\nAborted!\n")
    assert files(tmp_path) == before
    assert (tmp_path / "past.om").read_text() == "old"
