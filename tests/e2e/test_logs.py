"""The log of a process: little when all is well, one line when that changes, every line readable, and never a key."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from exporter.simulator.schedule import ON_DEMAND
from exporter.version import REVISION, VERSION
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.log_lines import parse
from tests.simulated import SimulatedBraze

KEY = "5f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
POLLS = 5


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    world = quiet_world("production")
    world.workspaces["production"].keys[KEY] = frozenset(["cdi.integration_job_status", "cdi.integration_list"])
    with SimulatedBraze(world) as braze:
        write_config(tmp_path, [workspace_entry(world, "production", braze.url, api_key=KEY)])
        yield braze


def lines(daemon: Daemon) -> list[dict[str, str]]:
    """Return the lines of the log, of which every part must be a pair of a name and a value."""
    return parse(daemon.stderr.splitlines())


def messages(daemon: Daemon, *levels: str) -> list[str]:
    return [line["msg"] for line in lines(daemon) if not levels or line["level"] in levels]


def wait_for_requests(braze: SimulatedBraze) -> None:
    """Wait until Braze has been asked again."""

    def asked() -> int:
        return braze.call(lambda world: sum(world.requests["production"].values()))

    before = asked()
    wait_for("Braze is asked", lambda: asked() > before)


def failed_polls(daemon: Daemon) -> float:
    return sum(peek(daemon.port, "braze_cdi_exporter_poll_failures_total"))


def test_a_healthy_exporter_says_little(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        for _ in range(POLLS):
            braze.call(lambda world: finish_sync(world, "id-of-production", watermark=world.now))
            wait_for_requests(braze)
            ask(daemon.port, "/metrics")
        daemon.stop()
        history = ["reading the history to learn what is normal", "the history has been read"]
        told = messages(daemon)
        assert [each for each in told if each != "sync finished"] == ["listening", "started", *history, "stopped"]
        assert 1 <= told.count("sync finished") <= POLLS
        (started,) = [line for line in lines(daemon) if line["msg"] == "started"]
        assert (started["config"], started["storage"], started["shard"]) == ("config.yaml", "data/", "0/1")
        assert (started["version"], started["revision"]) == (VERSION, REVISION)


def test_one_line_when_polls_begin_to_fail_and_one_when_they_recover(braze: SimulatedBraze, tmp_path: Path) -> None:
    entry = workspace_entry(braze.world, "production", braze.url)
    write_config(tmp_path, [entry])  # a key without the list, so that every poll is one of the integration
    with Daemon(tmp_path) as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        said = len(lines(daemon))
        fault = braze.call(lambda world: world.faults.add("http_500"))
        wait_for("some polls have failed", lambda: failed_polls(daemon) >= 2)
        braze.call(lambda world: world.faults.remove(fault))
        wait_for("polled again", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        wait_for("it says so", lambda: "poll succeeded again" in daemon.stderr)
        of_polls = [line for line in lines(daemon)[said:] if line["msg"].startswith("poll")]
        assert [(line["level"], line["msg"]) for line in of_polls] == [
            ("warn", "poll failed"),
            ("info", "poll succeeded again"),
        ]
        assert of_polls[0]["reason"] == "server_error"
        assert {line["workspace"] for line in of_polls} == {"production"}
        assert {line["integration_id"] for line in of_polls} == {"id-of-production"}


def test_an_outage_is_three_lines_without_a_name_and_its_end_says_how_long_it_was(tmp_path: Path) -> None:
    world = quiet_world("production")  # a key without the list, as above
    for name in ("orders", "products"):
        world.add_integration("production", name, integration_id=f"id-of-{name}", schedule=ON_DEMAND)
    with SimulatedBraze(world) as braze:
        write_config(tmp_path, [workspace_entry(world, "production", braze.url)])
        with Daemon(tmp_path) as daemon:
            wait_for("all are polled", lambda: peek(daemon.port, "braze_cdi_up") == [1, 1, 1])
            said = len(lines(daemon))
            fault = braze.call(lambda world: world.faults.add("http_500"))
            wait_for("all polls fail", lambda: peek(daemon.port, "braze_cdi_up") == [0, 0, 0])
            wait_for("it says so", lambda: "whole workspace" in daemon.stderr)
            braze.call(lambda world: world.faults.remove(fault))
            wait_for("all are polled again", lambda: peek(daemon.port, "braze_cdi_up") == [1, 1, 1])
            wait_for("it says so", lambda: "outage ended" in daemon.stderr)
            daemon.stop()
            told = [line for line in lines(daemon)[said:] if {"outage", "poll", "problem"} & set(line["msg"].split())]
    began, whole, ended = told
    assert [(each["level"], each["msg"]) for each in told] == [
        ("warn", "outage began"),
        ("warn", "outage of the whole workspace"),
        ("info", "outage ended"),
    ]
    assert {(each["workspace"], each["reason"]) for each in told} == {("production", "server_error")}
    assert not [each for each in told if "integration_id" in each]
    assert [began["failing"], began["integrations"], whole["failing"], ended["failing"]] == ["2", "3", "3", "3"]
    assert "500" in began["error"]
    lasted = datetime.fromisoformat(ended["ts"]) - datetime.fromisoformat(began["since"])
    assert float(ended["seconds"]) == pytest.approx(lasted.total_seconds(), abs=2)


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_line_holds_the_key_whatever_happens(braze: SimulatedBraze, tmp_path: Path, form: str) -> None:
    with Daemon(tmp_path, "--log.level", "debug", "--log.format", form) as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        for fault, reason in (("reset", "network"), ("cut_json", "payload"), ("http_401", "auth")):
            see_it_fail(braze, daemon, form, fault, reason)
        daemon.stop()
        assert {"debug", "info", "warn"} <= {line["level"] for line in parsed(daemon, form)}
        assert KEY not in daemon.stderr
        assert KEY[:13] not in daemon.stderr
        assert daemon.stdout == ""


def see_it_fail(braze: SimulatedBraze, daemon: Daemon, form: str, fault: str, reason: str) -> None:
    braze.call(lambda world: world.faults.add(fault))
    wait_for(f"failed by {reason}", lambda: reason in reasons(daemon, form))
    braze.call(lambda world: world.faults.clear())


def parsed(daemon: Daemon, form: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in daemon.stderr.splitlines()] if form == "json" else lines(daemon)


def reasons(daemon: Daemon, form: str) -> set[str]:
    return {line["reason"] for line in parsed(daemon, form) if "reason" in line}
