"""`once` polls everything once: the page on standard output or in a file that is replaced in one step."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import Daemon, files, run_command, wait_for
from tests.e2e.scraping import ask, parse, sample
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.kept import Surroundings, state
from tests.simulated import SimulatedBraze
from tests.world import World

GOOD, BAD = "production", "europe"


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world(GOOD, BAD)) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, name, braze.url) for name in (GOOD, BAD)])
        yield braze


def break_one(world: World) -> None:
    world.faults.add("http_500", workspace=BAD)


def up(page: str) -> dict[str, float]:
    return {dict(labels)["workspace"]: value for (name, labels), value in parse(page).items() if name == "braze_cdi_up"}


def test_it_prints_the_page_and_ends_with_0_when_all_went_well(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = run_command(tmp_path, "once", "--log.level", "error")
    assert (done.returncode, done.stderr) == (0, "")
    assert up(done.stdout) == {GOOD: 1, BAD: 1}


def test_it_ends_with_1_when_some_failed_and_prints_the_rest(braze: SimulatedBraze, tmp_path: Path) -> None:
    braze.call(break_one)
    done = run_command(tmp_path, "--log.format", "json", "once")
    assert done.returncode == 1
    assert up(done.stdout) == {GOOD: 1, BAD: 0}
    page = parse(done.stdout)
    known = {"integration_id": f"id-of-{GOOD}", "integration_name": "users"}
    assert page[sample("braze_cdi_last_sync_rows_synced", workspace=GOOD, **known)] == 100
    assert '"reason": "server_error"' in done.stderr


def test_it_gives_the_space_of_forgotten_states_back_to_the_disk(braze: SimulatedBraze, tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path / "data")
    for number in range(200):
        store.commit("gone", f"id-{number}", state(number))
    store.close()
    (file,) = (tmp_path / "data").glob("*.sqlite")
    before = file.stat().st_size
    assert run_command(tmp_path, "once").returncode == 0
    assert file.stat().st_size < before / 3


def test_it_reads_the_state_of_a_running_daemon_and_leaves_it_as_it_is(braze: SimulatedBraze, tmp_path: Path) -> None:
    def counted(page: str) -> set[object]:
        return {series for series in parse(page).items() if series[0][0] == "braze_cdi_syncs_total"}

    with Daemon(tmp_path) as daemon:
        wait_for("all is polled", lambda: up(ask(daemon.port, "/metrics").body.decode()) == {GOOD: 1, BAD: 1})
        before = counted(ask(daemon.port, "/metrics").body.decode())
        done = run_command(tmp_path, "once")
        assert done.returncode == 0, done.stderr
        assert 'reason="a running exporter has it; it was only read"' in done.stderr
        assert counted(done.stdout) == before
        assert daemon.stop()[0] == 0


def test_a_new_file_can_be_read_by_all(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = run_command(tmp_path, "once", "--output", "braze.prom", "--log.level", "error")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert up((tmp_path / "braze.prom").read_text()) == {GOOD: 1, BAD: 1}
    assert stat.S_IMODE((tmp_path / "braze.prom").stat().st_mode) == 0o644
    assert [name for name in files(tmp_path) if "prom" in name] == ["braze.prom"]


def test_a_file_is_replaced_in_one_step_and_keeps_its_mode(braze: SimulatedBraze, tmp_path: Path) -> None:
    path = tmp_path / "braze.prom"
    path.write_text("old")
    path.chmod(0o640)
    braze.call(break_one)
    with path.open() as reader:
        done = run_command(tmp_path, "once", f"--output={path}")
        assert done.returncode == 1
        assert reader.read() == "old"  # whoever had it open reads the whole old page
    assert up(path.read_text()) == {GOOD: 1, BAD: 0}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_is_one_line_and_1(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = run_command(tmp_path, "once", "--output", "missing/braze.prom", "--log.level", "error")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "missing/braze.prom cannot be written: No such file or directory; name a directory that exists\n"
    )


def test_a_full_disk_behind_standard_output_is_one_line_and_1(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run_command(tmp_path, "once", "--log.level", "error", stdout=full)
    assert done.returncode == 1
    assert done.stderr == (
        "standard output cannot be written: No space left on device; make room, or let this user write there\n"
    )
