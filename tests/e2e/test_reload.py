"""
A running daemon takes a new configuration: on SIGHUP, on request, or because the file has changed.

What stays keeps its counters, what is gone leaves the page, and a file with mistakes changes nothing but says so.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import ask, peek, sample, scrape
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

STAYS, COMES = "production", "europe"
SUCCESSFUL = "braze_cdi_exporter_config_last_reload_successful"
SUCCESS_AT = "braze_cdi_exporter_config_last_reload_success_timestamp_seconds"
BROKEN = "poll: {intervall: 1s}\nworkspaces: []\n"
ERROR = "config.yaml:1: poll.intervall: is not a known key (did you mean interval?)"


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world(STAYS, COMES)) as braze:
        configure(braze, tmp_path, STAYS)
        yield braze


def configure(braze: SimulatedBraze, directory: Path, *names: str, **labels: str) -> None:
    """Write a configuration with the workspaces *names*, and *labels* for each integration."""
    entries = [workspace_entry(braze.world, name, braze.url) for name in names]
    for entry in entries:
        entry["integrations"][0]["labels"] = labels
    write_config(directory, entries)


def running(daemon: Daemon) -> list[str]:
    """Return the names of the workspaces in the configuration that runs."""
    return [workspace["name"] for workspace in yaml.safe_load(ask(daemon.port, "/config").text)["workspaces"]]


def see_a_sync_counted(braze: SimulatedBraze, daemon: Daemon, so_far: int) -> None:
    """See that what was counted is still there, and goes on from there."""
    counted = sample(
        "braze_cdi_syncs_total",
        workspace=STAYS,
        integration_id=f"id-of-{STAYS}",
        integration_name="users",
        status="success",
    )
    assert scrape(daemon.port)[counted] == so_far
    braze.call(lambda world: finish_sync(world, f"id-of-{STAYS}", word="success"))
    wait_for("the next one is counted", lambda: scrape(daemon.port)[counted] > so_far)
    assert scrape(daemon.port)[counted] == so_far + 1


def test_a_request_or_a_hangup_reloads(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path, "--web.enable-lifecycle", "--config.auto-reload-interval", "0") as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        see_a_sync_counted(braze, daemon, 0)
        loaded_at = peek(daemon.port, SUCCESS_AT)

        configure(braze, tmp_path, STAYS, COMES, team="crm")
        assert (ask(daemon.port, "/-/reload").status, running(daemon)) == (405, [STAYS])
        reloaded = ask(daemon.port, "/-/reload", method="POST")
        assert (reloaded.status, reloaded.text, running(daemon)) == (200, "reloaded\n", [STAYS, COMES])
        wait_for("the new one is polled", lambda: peek(daemon.port, "braze_cdi_up") == [1, 1])
        assert 'team="crm"' in ask(daemon.port, "/metrics").text
        assert peek(daemon.port, SUCCESS_AT) > loaded_at
        see_a_sync_counted(braze, daemon, 1)

        configure(braze, tmp_path, STAYS)
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("it is reloaded", lambda: running(daemon) == [STAYS])
        assert peek(daemon.port, "braze_cdi_up") == [1]
        assert COMES not in ask(daemon.port, "/metrics").text
        see_a_sync_counted(braze, daemon, 2)
        wait_for("it says so", lambda: daemon.stderr.count('msg="configuration reloaded"') == 2)
        assert "level=error" not in daemon.stderr


def test_a_file_with_errors_keeps_the_old_configuration_running(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path, "--web.enable-lifecycle", "--config.auto-reload-interval", "0") as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        loaded_at = peek(daemon.port, SUCCESS_AT)
        assert peek(daemon.port, SUCCESSFUL) == [1]

        (tmp_path / "config.yaml").write_text(BROKEN)
        refused = ask(daemon.port, "/-/reload", method="POST")
        assert refused.status == 500
        assert refused.text.startswith("Not reloaded; the old configuration keeps running.\n")
        assert ERROR in refused.text
        assert (peek(daemon.port, SUCCESSFUL), peek(daemon.port, SUCCESS_AT)) == ([0], loaded_at)
        see_a_sync_counted(braze, daemon, 0)

        (tmp_path / "config.yaml").unlink()
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("it says so", lambda: daemon.stderr.count("level=error") == 2)
        assert (running(daemon), peek(daemon.port, SUCCESSFUL)) == ([STAYS], [0])
        assert ask(daemon.port, "/-/healthy").status == 200

        configure(braze, tmp_path, STAYS)
        assert ask(daemon.port, "/-/reload", method="POST").status == 200
        assert peek(daemon.port, SUCCESSFUL) == [1]
        assert peek(daemon.port, SUCCESS_AT) > loaded_at
        see_a_sync_counted(braze, daemon, 1)


def test_a_changed_file_is_taken_by_itself_and_nobody_else_may_ask_for_it(
    braze: SimulatedBraze, tmp_path: Path
) -> None:
    with Daemon(tmp_path, "--config.auto-reload-interval", "1s") as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        refused = ask(daemon.port, "/-/reload", method="POST")
        assert (refused.status, "--web.enable-lifecycle" in refused.text) == (403, True)
        see_a_sync_counted(braze, daemon, 0)

        configure(braze, tmp_path, STAYS, COMES)
        wait_for("the new one is polled", lambda: peek(daemon.port, "braze_cdi_up") == [1, 1])
        (tmp_path / "config.yaml").write_text(BROKEN)
        wait_for("it is refused", lambda: peek(daemon.port, SUCCESSFUL) == [0])
        wait_for("it says why", lambda: ERROR in daemon.stderr.replace("\\n", "\n"))
        assert running(daemon) == [STAYS, COMES]
        configure(braze, tmp_path, STAYS)
        wait_for("the other one is gone", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        wait_for("it says so", lambda: peek(daemon.port, SUCCESSFUL) == [1])
        see_a_sync_counted(braze, daemon, 1)
        wait_for("it says so", lambda: daemon.stderr.count('msg="configuration reloaded"') == 2)
