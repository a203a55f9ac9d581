"""The systemd unit is valid and confined, and fits the exporter and its documentation. `make test-deploy` starts it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli import main as DAEMON  # noqa: N812 - a command, as data
from exporter.cli.flags import DAEMON_FLAGS
from exporter.web.protocol import Limits
from tests.components import component

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "systemd" / "braze-cdi-exporter.service"
TEXT = UNIT.read_text().replace("\\\n", " ")
DOCUMENT = (ROOT / "docs" / "installation.md").read_text()
WORST_EXPOSURE = 15  # tenths, as systemd-analyze counts: 1.5 of 10


def value(key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", TEXT, re.MULTILINE)
    return str(found)


@pytest.fixture
def runnable(tmp_path: Path) -> Path:
    """The unit with a program that exists on this machine, nothing else changed."""
    installed = value("ExecStart").split()[0]
    here = Path(sys.executable).parent / "braze-cdi-exporter"
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(f"ExecStart={installed}", f"ExecStart={here}"))
    return unit


def verify(unit: Path) -> str:
    """What systemd has to say; its exit code tells less."""
    command = [str(component("systemd-analyze")), "verify", "--man=no", str(unit)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(runnable: Path) -> None:
    assert verify(runnable) == ""


def test_systemd_would_find_a_misspelt_setting(runnable: Path) -> None:
    runnable.write_text(runnable.read_text().replace("DynamicUser=", "DynamikUser="))
    assert "DynamikUser" in verify(runnable)


def test_the_exposure_is_at_most_what_was_promised() -> None:
    command = [
        *(str(component("systemd-analyze")), "security", "--offline=yes", "--no-pager"),
        *(f"--threshold={WORST_EXPOSURE}", str(UNIT)),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (exposure,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", run.stdout)
    assert 0 < float(exposure) <= WORST_EXPOSURE / 10


def test_flags_exist_and_the_state_is_in_the_folder_that_systemd_makes() -> None:
    flags = dict(each.split("=") for each in value("ExecStart").split()[1:])
    assert set(flags) <= set(DAEMON_FLAGS)
    assert flags["--storage.path"] == f"/var/lib/{value('StateDirectory')}"
    assert f" {flags['--config.file']}\n" in DOCUMENT


def test_the_key_is_where_the_documentation_says() -> None:
    name, folder = value("LoadCredential").split(":")
    assert f"/run/credentials/{UNIT.name}/{name}_production" in DOCUMENT
    assert f"install -m 0600 production.key {folder}/production\n" in DOCUMENT


def test_systemd_finds_nothing_wrong_with_the_socket_and_it_is_the_exporters(runnable: Path) -> None:
    unit = UNIT.with_suffix(".socket")
    copy = runnable.with_suffix(".socket")
    copy.write_text(unit.read_text())
    assert verify(copy) == ""
    (port,) = re.findall(r"^ListenStream=(\d+)$", unit.read_text(), re.MULTILINE)
    assert DAEMON.params[[each.name for each in DAEMON.params].index("web_listen_address")].default == (f":{port}",)
    (variable,) = re.findall(r"`Environment=(\w+)=true`", DOCUMENT)
    assert variable in {each.envvar for each in DAEMON.params}


def test_a_wrong_configuration_is_not_tried_again_and_again() -> None:
    document = (ROOT / "docs" / "command-line.md").read_text()
    code = value("RestartPreventExitStatus")
    assert f"| {code} | wrong flags or configuration" in document


def test_the_exporter_tells_systemd_how_it_is_and_has_files_enough() -> None:
    assert value("Type") == "notify"
    assert value("WatchdogSec") == "60s"
    assert int(value("LimitNOFILE")) >= 2 * Limits().connections
    # The socket of sd_notify(3) is of this family.
    assert "AF_UNIX" in value("RestrictAddressFamilies").split()
