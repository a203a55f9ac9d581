"""
Whatever Braze does, `/metrics` stays 200, valid and quick, says which integration could not be polled and why, keeps
the last values, and makes good what was missed.

One daemon watches a workspace for each fault, so that all of them happen at the same time.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import REASONS
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import Samples, ask, peek, sample, scrape
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

REASON_OF = {
    "hang": "timeout",
    "drip": "timeout",
    "reset": "network",
    "cut": "network",
    "huge_body": "payload",
    "html": "payload",
    "cut_json": "payload",
    "empty_body": "payload",
    "deep_json": "payload",
    "no_utf8": "payload",
    "list_body": "payload",
    "results_missing": "payload",
    "results_null": "payload",
    "http_202": "server_error",
    "http_500": "server_error",
    "html_502": "server_error",
    "http_503": "server_error",
    "http_301": "bad_request",
    "html_302": "bad_request",
    "http_400": "bad_request",
    "http_404": "not_found",
    "throttle_retry_after": "rate_limited",
    "http_401": "auth",
    "http_403": "forbidden",
}
HELD = {"http_401", "http_403", "http_404"}
"""A rejected key is tried again within a minute, what is gone within an hour: too long to wait for here."""
GONE = "http_404"
BYSTANDER = "no_fault"
MOST_MEMORY_KIB = 200 * 1024


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world(*REASON_OF, BYSTANDER)) as braze:
        yield braze


def switch_on(world: World) -> None:
    """Let every workspace have its fault, and then a sync that nobody can hear of."""
    for name in REASON_OF:
        world.faults.add(name, workspace=name, endpoint=Endpoint.JOB_SYNC_STATUS)
        finish_sync(world, f"id-of-{name}", word="success", rows_synced=23)


def up(page: Samples, workspace: str) -> float | None:
    return page.get(about("braze_cdi_up", workspace))


def about(name: str, workspace: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    integration = {"integration_id": f"id-of-{workspace}", "integration_name": "users"}
    return sample(name, workspace=workspace, **integration, **labels)


def failures(page: Samples, workspace: str) -> set[str]:
    """Return the reasons for which polls of the workspace have failed."""
    return {
        reason
        for reason in REASONS
        if page[sample("braze_cdi_exporter_poll_failures_total", workspace=workspace, reason=reason)] > 0
    }


def peak_memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def test_every_fault_has_its_reason_costs_nothing_else_and_passes(braze: SimulatedBraze, tmp_path: Path) -> None:
    patience = {name: {"poll": {"timeout": "1s"}} if reason == "timeout" else {} for name, reason in REASON_OF.items()}
    entries = [
        workspace_entry(braze.world, name, braze.url, **patience.get(name, {})) for name in braze.world.workspaces
    ]
    write_config(tmp_path, entries, timeout="20s")
    with Daemon(tmp_path) as daemon:
        wait_for("all are up", lambda: sum(peek(daemon.port, "braze_cdi_up")) == len(entries))

        braze.call(switch_on)
        wait_for("all are down but one", lambda: sum(peek(daemon.port, "braze_cdi_up")) == 1)
        gone = about("braze_cdi_problem", GONE, problem="gone", severity="warning")
        wait_for("one is gone", lambda: gone in scrape(daemon.port))
        for openmetrics in (False, True):
            page = scrape(daemon.port, openmetrics=openmetrics, compressed=True)
            assert {name: failures(page, name) for name in REASON_OF} == {
                name: {reason} for name, reason in REASON_OF.items()
            }
            known = REASON_OF.keys() - {GONE}
            assert {page[about("braze_cdi_last_sync_rows_synced", name)] for name in known} == {100}
            assert page[gone] == 1
            assert up(page, BYSTANDER) == 1
            assert failures(page, BYSTANDER) == set()
        assert ask(daemon.port, "/-/healthy").status == 200
        assert ask(daemon.port, "/-/ready").status == 200
        assert ask(daemon.port, "/").status == 200

        braze.call(lambda world: world.faults.clear())
        recovering = REASON_OF.keys() - HELD
        wait_for("most are up again", lambda: sum(peek(daemon.port, "braze_cdi_up")) > len(recovering))
        wait_for("all that can are", lambda: {up(scrape(daemon.port), name) for name in recovering} == {1})
        page = scrape(daemon.port)
        assert {page[about("braze_cdi_rows_synced_total", name)] for name in recovering} == {23}
        assert {page[about("braze_cdi_syncs_total", name, status="success")] for name in recovering} == {1}
        assert peak_memory_kib(daemon.pid) < MOST_MEMORY_KIB


def test_braze_that_is_not_there_is_a_network_failure(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [workspace_entry(braze.world, BYSTANDER, "http://127.0.0.1:1")])
    with Daemon(tmp_path) as daemon:
        wait_for("it is down", lambda: peek(daemon.port, "braze_cdi_up") == [0])
        assert failures(scrape(daemon.port), BYSTANDER) == {"network"}
