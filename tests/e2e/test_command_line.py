"""The command as people call it: what it says and its exit code, without a traceback and without a key, ever."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.version import VERSION
from tests.e2e.command import COMMAND, MODULE, Daemon, files, run_command, wait_for
from tests.e2e.scraping import ask, scrape
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

KEY = "5f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
ENDPOINT = "https://rest.iad-03.braze.com"
GOOD = {
    "name": "production",
    "rest_endpoint": ENDPOINT,
    "api_key": KEY,
    "integrations": [{"id": "one"}, {"id": "two"}],
}
WRONG = f"""\
poll:
  intervall: 1m
  timeout: soon
workspaces:
  - name: production
    rest_endpoint: https://dashboard-03.braze.com
    api_key: {KEY}
    api_key_file: {KEY}
    integrations:
      - id: ../{KEY}
      - id: one
        labels: {{job: x}}
  - name: production
    rest_endpoint: http://rest.iad-03.braze.com
    integrations: []
"""
ERRORS = (
    ("config.yaml:2: poll.intervall:", "did you mean interval?"),
    ("config.yaml:3: poll.timeout:", "duration"),
    ("config.yaml:6: workspaces[0].rest_endpoint:", "dashboard"),
    ("workspaces[0].integrations[0].id:", "cannot be an integration id"),
    ("workspaces[0].integrations[1].labels", "job"),
    ("workspaces[1].name:", ""),
    ("config.yaml:14: workspaces[1].rest_endpoint:", "https"),
    ("config.yaml:15: workspaces[1].integrations:", "names no integration"),
)


def write_good(directory: Path, name: str = "config.yaml") -> str:
    (directory / name).write_text(yaml.safe_dump({"workspaces": [GOOD]}))
    return name


def see_it_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr


def test_version_is_told_by_the_command_and_by_the_module(tmp_path: Path) -> None:
    for program in (COMMAND, MODULE):
        told = run_command(tmp_path, "--version", program=program)
        assert (told.returncode, told.stdout) == (0, f"braze-cdi-exporter {VERSION}\n")


@pytest.mark.parametrize("arguments", [["-h"], ["demo", "--help"]])
def test_help_needs_no_configuration(tmp_path: Path, arguments: list[str]) -> None:
    told = run_command(tmp_path, *arguments)
    assert (told.returncode, told.stderr) == (0, "")
    assert "--log.level" in told.stdout or "--config.file" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--storage.paht", "x"], "--storage.paht"),
        (["--log.level", "loud"], "'--log.level'"),
        (["chekc"], "chekc"),
        (["--web.listen-address", "10273"], "listen address '10273'"),
        (["--web.telemetry-path", "/-/ready"], "taken"),
        (["demo", "--web.telemetry-path", "/"], "telemetry path '/'"),
    ],
)
def test_a_wrong_flag_is_refused_with_2(tmp_path: Path, arguments: list[str], word: str) -> None:
    write_good(tmp_path)
    see_it_refused(run_command(tmp_path, *arguments), 2, word)


@pytest.mark.parametrize("command", [[], ["check"], ["once"]])
def test_a_wrong_configuration_is_refused_with_2_and_every_error(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "config.yaml").write_text(WRONG)
    refused = run_command(tmp_path, *command)
    see_it_refused(refused, 2)
    lines = refused.stderr.splitlines()
    for place, word in ERRORS:
        assert [line for line in lines if place in line and word in line], f"{place} {word} not in\n{refused.stderr}"
    assert [line for line in lines if not line.startswith("config.yaml:")] == []


@pytest.mark.parametrize("command", [[], ["check"], ["once"]])
def test_a_missing_configuration_is_refused_with_2(tmp_path: Path, command: list[str]) -> None:
    refused = run_command(tmp_path, *command)
    see_it_refused(refused, 2, "config.yaml: ")
    assert len(refused.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_clear_line_and_1(tmp_path: Path) -> None:
    write_good(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = run_command(tmp_path, "--web.listen-address", address)
    see_it_refused(refused, 1, f"cannot listen on {address}: Address already in use", "--web.listen-address")
    assert len(refused.stderr.splitlines()) == 1


def test_check_tells_the_cost_of_a_good_configuration(tmp_path: Path) -> None:
    write_good(tmp_path)
    told = run_command(tmp_path, "check")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("config.yaml is good\n")
    assert "production" in told.stdout
    assert "job_sync_status" in told.stdout
    assert KEY not in told.stdout
    assert files(tmp_path) == ["config.yaml"]


@pytest.mark.parametrize(
    ("before", "after", "variable", "read"),
    [
        (None, None, "by-variable.yaml", "by-variable.yaml"),
        ("before.yaml", None, "by-variable.yaml", "before.yaml"),
        ("before.yaml", "after.yaml", "by-variable.yaml", "after.yaml"),
    ],
)
def test_a_flag_stands_before_or_after_the_command_and_wins_over_its_variable(
    tmp_path: Path, before: str | None, after: str | None, variable: str | None, read: str
) -> None:
    write_good(tmp_path, read)
    arguments = [*(["--config.file", before] if before else []), "check"]
    arguments += ["--config.file", after] if after else []
    told = run_command(tmp_path, *arguments, env={"BRAZE_CDI_EXPORTER_CONFIG_FILE": variable} if variable else None)
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, f"{read} is good")


def test_a_wrong_variable_is_a_wrong_flag(tmp_path: Path) -> None:
    write_good(tmp_path)
    refused = run_command(tmp_path, env={"BRAZE_CDI_EXPORTER_WEB_LISTEN_ADDRESS": "nowhere"})
    see_it_refused(refused, 2, "listen address 'nowhere'")
    refused = run_command(tmp_path, env={"BRAZE_CDI_EXPORTER_WEB_ENABLE_LIFECYCLE": "yes"})
    see_it_refused(refused, 2, "BRAZE_CDI_EXPORTER_WEB_ENABLE_LIFECYCLE", "neither true nor false")


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        yield braze


def test_the_daemon_takes_its_flags_from_variables(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)]).rename(tmp_path / "other.yaml")
    variables = {"CONFIG_FILE": "other.yaml", "WEB_TELEMETRY_PATH": "/own/metrics", "LOG_FORMAT": "json"}
    variables |= {"WEB_ENABLE_LIFECYCLE": "true", "STORAGE_PATH": ""}
    env = {f"BRAZE_CDI_EXPORTER_{name}": value for name, value in variables.items()}
    with Daemon(tmp_path, env=env) as daemon:
        assert ask(daemon.port, "/metrics").status == 404
        assert scrape(daemon.port, path="/own/metrics") != {}
        assert ask(daemon.port, "/-/reload", method="POST").status == 200
        assert '"msg": "listening"' in daemon.stderr
        assert not (tmp_path / "data").exists()


def test_it_listens_on_every_address_that_it_is_given(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
    with Daemon(tmp_path, "--web.listen-address", "127.0.0.1:0") as daemon:
        wait_for("it listens twice", lambda: daemon.stderr.count("msg=listening") == 2)
        for line in daemon.stderr.splitlines()[:2]:
            port = int(line.rpartition(":")[2])
            assert ask(port, "/-/healthy").status == 200


@pytest.mark.parametrize("command", [["check"], ["check", "--schema"], ["integrations", "--help"], ["--version"]])
def test_a_full_disk_behind_standard_output_is_one_line_and_1(tmp_path: Path, command: list[str]) -> None:
    write_good(tmp_path)
    with Path("/dev/full").open("wb") as full:
        done = run_command(tmp_path, *command, stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "standard output cannot be written: No space left on device; make room, or let this user write there\n",
    )


@pytest.mark.parametrize("command", ["check", "check --schema", "--version", "--help", "once --help"])
def test_a_closed_standard_output_is_one_line_and_1(tmp_path: Path, command: str) -> None:
    write_good(tmp_path)
    line = ["sh", "-c", f"exec {sys.executable} -m exporter {command} >&-"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "standard output cannot be written: Bad file descriptor; make room, or let this user write there\n"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["once", "backfill", "support-bundle"])
@pytest.mark.parametrize("name", ["", "-"])
def test_an_output_that_names_no_file_is_refused(tmp_path: Path, command: str, name: str) -> None:
    write_good(tmp_path)
    done = run_command(tmp_path, command, "--output", name)
    assert done.returncode == 2
    assert "names no file" in done.stderr
    assert not (tmp_path / "-").exists()
