"""The unit is installed as docs/installation.md says and started by a real systemd, where its sandbox acts."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.machine import Machine, machine
from tests.deploy.heavy.programs import ROOT, wait_until

NEEDS = ("debootstrap", "systemd-nspawn", "nsenter")

UNIT = "braze-cdi-exporter"
CONFIG = f"""
workspaces:
  - name: production
    rest_endpoint: http://127.0.0.1:9
    api_key_file: /run/credentials/{UNIT}.service/keys_production
    integrations: [{{id: 00000000-0000-0000-0000-000000000000}}]
"""
ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
FORBIDDEN = [
    ("touch", "/etc/written"),
    ("touch", "/opt/braze-cdi-exporter/written"),
    ("ls", "/root"),
    ("cat", "/etc/braze-cdi-exporter/keys/production"),
    ("unshare", "--user", "true"),
]


def documented_commands() -> tuple[list[str], list[str]]:
    """What the documentation tells to type: before systemd is involved, and to systemd."""
    document = (ROOT / "docs" / "installation.md").read_text()
    section = document.partition("\n## systemd\n")[2].partition("\n## ")[0]
    commands = re.findall(r"^ +# (.+)$", section, re.MULTILINE)
    to_systemd = [each for each in commands if each.startswith(("systemctl", "journalctl"))]
    return [each for each in commands if each not in to_systemd], to_systemd


@pytest.fixture(scope="module")
def server(tell: Callable[[str], None]) -> Iterator[Machine]:
    system = base_system("bookworm", "systemd dbus python3 python3-venv")
    to_install, to_systemd = documented_commands()
    with machine(system) as own:
        checkout = own.root / "root" / "checkout"
        checkout.mkdir()
        for name in ("exporter", "requirements", "deploy", "tools", "pyproject.toml", "README.md", "LICENSE"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, checkout / name)
        (checkout / "production.key").write_text("not-a-real-key\n")
        (checkout / "config.yaml").write_text(CONFIG)
        own.install("\n".join(["cd /root/checkout", *to_install]))
        with own.booted():
            for command in to_systemd:
                own.run(*command.split())
            wait_until(lambda: is_healthy(own), limit=60, what="the exporter is healthy")
            tell(own.run("systemctl", "--version").splitlines()[0])
            yield own


def is_healthy(server: Machine) -> bool:
    return "healthy" in server.run("python3", "-c", ASK, "http://127.0.0.1:10273/-/healthy", code=None)


def main_process(server: Machine) -> str:
    return server.show(UNIT, "MainPID")["MainPID"]


def test_it_runs_and_has_its_key_and_its_state(server: Machine) -> None:
    page = server.run("python3", "-c", ASK, "http://127.0.0.1:10273/metrics")
    assert "\nbraze_cdi_exporter_state_persistent 1\n" in page
    # The key was read, or the reason would be "auth".
    assert re.search(r'^braze_cdi_exporter_poll_failures_total\{.*reason="network"\} [1-9]', page, re.MULTILINE)
    assert server.run("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert "state.sqlite" in server.run("ls", f"/var/lib/{UNIT}")


def test_its_sandbox_acts(server: Machine, tell: Callable[[str], None]) -> None:
    status = server.run("cat", f"/proc/{main_process(server)}/status")
    assert set(re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    (user,) = re.findall(r"^Uid:\s+(\d+)", status, re.MULTILINE)
    assert 61184 <= int(user) <= 65519, "the range of DynamicUser"
    exposure = server.run("systemd-analyze", "security", "--no-pager", UNIT).splitlines()[-1]
    (figure,) = re.findall(r"exposure level for \S+: (\d+\.\d+)", exposure)
    assert float(figure) <= 1.5
    tell(f"unit: runs as user {user}, no capability, system calls filtered, exposure {figure}")


@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_what_it_has_no_use_for_is_forbidden_inside(server: Machine, command: tuple[str, str]) -> None:
    """A second unit with the same settings tries it; what the exporter's own folders allow shows that it can fail."""
    assert try_inside(server, *command) != 0
    assert try_inside(server, "touch", f"/var/lib/{UNIT}/written") == 0


def try_inside(server: Machine, *command: str) -> int:
    unit = (server.root / "etc/systemd/system" / f"{UNIT}.service").read_text().replace("\\\n", " ")
    unit = re.sub(r"^ExecStart=.*$", f"ExecStart={' '.join(command)}", unit, flags=re.MULTILINE)
    unit = re.sub(r"^(Type|Restart)=.*$", "", unit, flags=re.MULTILINE)
    # The same user, or the folder with the state would be given to another one.
    unit = unit.replace("[Service]", f"[Service]\nType=oneshot\nUser={UNIT}")
    (server.root / "etc/systemd/system/tried.service").write_text(unit)
    server.run("systemctl", "daemon-reload")
    server.run("systemctl", "start", "tried", code=None)
    code = int(server.show("tried", "ExecMainStatus")["ExecMainStatus"])
    server.run("systemctl", "reset-failed", "tried", code=None)
    return code


def test_a_reload_takes_the_new_configuration_over(server: Machine) -> None:
    config = server.root / "etc" / UNIT / "config.yaml"
    before = main_process(server)
    config.write_text(CONFIG.replace("name: production", "name: another"))
    server.run("systemctl", "reload", UNIT)
    url = "http://127.0.0.1:10273/metrics"
    wait_until(
        lambda: 'workspace="another"' in server.run("python3", "-c", ASK, url), limit=10, what="it is taken over"
    )
    assert main_process(server) == before
    config.write_text(CONFIG)
    server.run("systemctl", "reload", UNIT)


def test_it_comes_back_after_a_crash(server: Machine) -> None:
    before = main_process(server)
    server.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
    wait_until(lambda: main_process(server) not in {before, "0"}, limit=30, what="it is started again")
    wait_until(lambda: is_healthy(server), limit=30, what="it is healthy again")


def test_a_start_returns_once_the_pages_can_be_read(server: Machine) -> None:
    server.run("systemctl", "restart", UNIT)
    assert is_healthy(server)


def test_the_watchdog_restarts_one_that_hangs(server: Machine) -> None:
    shorter = server.root / "etc/systemd/system" / f"{UNIT}.service.d" / "watchdog.conf"
    shorter.parent.mkdir()
    shorter.write_text("[Service]\nWatchdogSec=2s\n")
    server.run("systemctl", "daemon-reload")
    server.run("systemctl", "restart", UNIT)
    before = main_process(server)
    server.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", UNIT)
    wait_until(lambda: main_process(server) not in {before, "0"}, limit=60, what="it is started again")
    wait_until(lambda: is_healthy(server), limit=30, what="it is healthy again")
    assert "watchdog" in server.run("journalctl", "--unit", UNIT, "--no-pager").lower()
    shorter.unlink()
    server.run("systemctl", "daemon-reload")


def test_it_stops_cleanly(server: Machine) -> None:
    server.run("systemctl", "stop", UNIT)
    assert server.show(UNIT, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    server.run("systemctl", "start", UNIT)


def test_a_wrong_configuration_is_named_in_the_log_and_not_tried_again(server: Machine) -> None:
    config = server.root / "etc" / UNIT / "config.yaml"
    config.write_text(CONFIG + "no_such_key: 1\n")
    server.run("systemctl", "restart", UNIT, code=None)
    wait_until(lambda: server.show(UNIT, "ActiveState")["ActiveState"] == "failed", limit=30, what="it has given up")
    assert server.show(UNIT, "ExecMainStatus", "NRestarts") == {"ExecMainStatus": "2", "NRestarts": "0"}
    assert "no_such_key" in server.run("journalctl", "--unit", UNIT, "--no-pager")
