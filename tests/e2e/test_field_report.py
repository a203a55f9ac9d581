"""`check --online --report` over real sockets: standard output or a file with nothing but the report, or nothing."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from exporter.simulator.schedule import every
from exporter.simulator.style import Style
from exporter.simulator.style_file import load_style
from tests.e2e.command import files, run_command
from tests.e2e.worlds import AMPLE_LIMITS, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

STYLE = Style(fraction_digits=3, offset="+00:00", unknown="missing", link="clean")
WORKSPACES = ("alpha", "beta")


def build_world(*first_ids: str) -> World:
    world = World(7, datetime.now(UTC), style=STYLE)
    for name in WORKSPACES:
        world.add_workspace(name, limits=AMPLE_LIMITS)
        for number in range(25):
            key = first_ids[number] if number < len(first_ids) and name == "alpha" else None
            schedule = every(minutes=10, phase=timedelta(seconds=number))
            world.add_integration(
                name, f"orders of {number}", integration_id=key, schedule=schedule, history=timedelta(hours=4)
            )
    return world


def write(directory: Path, braze: SimulatedBraze) -> None:
    entries = [
        {"name": name, "rest_endpoint": braze.url, "api_key": f"key-of-{name}", "discovery": {"enabled": True}}
        for name in WORKSPACES
    ]
    write_config(directory, entries)


def test_standard_output_holds_the_report_and_nothing_else_and_it_loads_back(tmp_path: Path) -> None:
    with SimulatedBraze(build_world()) as braze:
        write(tmp_path, braze)
        checked = run_command(tmp_path, "check", "--online")
        plain = braze.call(lambda world: sum(asked.total() for asked in world.requests.values()))
        done = run_command(tmp_path, "check", "--online", "--report")
        after = braze.call(lambda world: sum(asked.total() for asked in world.requests.values()))
        read = braze.call(lambda world: [*world.integrations, *(one.name for one in world.integrations.values())])
    assert (checked.returncode, done.returncode) == (0, 0)
    assert done.stderr == checked.stdout
    assert done.stdout.startswith("Field report")
    assert after - 2 * plain == 30
    assert [text for text in (*read, *WORKSPACES, "key-of-", "@", "127.0.0.1", "202") if text in done.stdout] == []
    (tmp_path / "report").write_text(done.stdout)
    loaded = load_style(str(tmp_path / "report"))
    assert (loaded.fraction_digits, loaded.offset, loaded.unknown, loaded.link) == (3, "+00:00", "missing", "clean")


def test_the_report_goes_into_a_file(tmp_path: Path) -> None:
    with SimulatedBraze(build_world()) as braze:
        write(tmp_path, braze)
        done = run_command(tmp_path, "check", "--online", "--report", "report.txt")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "report.txt").read_text().startswith("Field report")


def test_a_report_that_would_show_an_id_is_not_printed(tmp_path: Path) -> None:
    with SimulatedBraze(build_world("aaaa-9999")) as braze:
        write(tmp_path, braze)
        done = run_command(tmp_path, "check", "--online", "--report", "report.txt")
        printed = run_command(tmp_path, "check", "--online", "--report")
    assert (done.returncode, printed.returncode, done.stdout, printed.stdout) == (2, 2, "", "")
    assert done.stderr.splitlines()[-1].startswith("the report would show 1 of the texts that were read")
    assert "aaaa-9999" not in done.stderr.splitlines()[-1]
    assert files(tmp_path) == ["config.yaml"]


def test_a_key_that_braze_refuses_makes_a_report_of_nothing_seen(tmp_path: Path) -> None:
    with SimulatedBraze(build_world()) as braze:
        for name in WORKSPACES:
            braze.call(partial(World.switch, problem="key_rotated", target=name))
        write(tmp_path, braze)
        done = run_command(tmp_path, "check", "--online", "--report")
    assert done.returncode == 2
    assert "confirmed" not in done.stdout
    assert "refuted" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("check", "--report"), "--report needs --online"), (("demo", "--style", "missing.yaml"), "missing.yaml")],
)
def test_what_cannot_work_is_refused(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
