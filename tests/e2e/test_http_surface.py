"""What the installed daemon answers over HTTP, with a Braze that hangs at first and then answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import OPENMETRICS, ask, sample, scrape
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

ONE = "/api/v1/integrations/production/id-of-production"
PATHS = (
    "/",
    "/metrics",
    "/api/v1/status",
    ONE,
    "/integrations/production/id-of-production",
    "/config",
    "/-/healthy",
    "/-/ready",
)


@pytest.fixture(scope="module")
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        yield braze


@pytest.fixture(scope="module")
def daemon(braze: SimulatedBraze, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("daemon")
    write_config(directory, [workspace_entry(braze.world, "production", braze.url)])
    with Daemon(directory) as daemon:
        wait_for("polled", lambda: b'"up":true' in ask(daemon.port, "/api/v1/status").body)
        yield daemon


def test_ready_comes_with_the_first_try_and_healthy_does_not_wait_for_it(tmp_path: Path) -> None:
    with SimulatedBraze(quiet_world("production")) as braze:
        braze.call(lambda world: world.faults.add("hang"))
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)], timeout="3s")
        with Daemon(tmp_path) as daemon:
            see_it_become_ready(daemon)


def see_it_become_ready(daemon: Daemon) -> None:
    assert sample("braze_cdi_up", workspace="production") not in scrape(daemon.port)
    unready = ask(daemon.port, "/-/ready")
    assert (unready.status, unready.text) == (503, "workspace production has not been tried yet\n")
    assert ask(daemon.port, "/-/healthy").status == 200
    wait_for("ready", lambda: ask(daemon.port, "/-/ready").status == 200)
    assert ask(daemon.port, "/-/healthy").text == "healthy\n"
    failed = sample("braze_cdi_exporter_poll_failures_total", workspace="production", reason="timeout")
    wait_for("the first poll has failed", lambda: scrape(daemon.port)[failed] == 1)
    assert ask(daemon.port, "/-/ready").text == "ready\n"


def test_status_page_and_its_json_show_every_integration(daemon: Daemon, braze: SimulatedBraze) -> None:
    page = ask(daemon.port, "/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    document = ask(daemon.port, "/api/v1/status")
    assert document.headers["content-type"] == "application/json"
    (workspace,) = json.loads(document.body)["workspaces"]
    (integration,) = workspace["integrations"]
    assert (workspace["name"], workspace["rest_endpoint"]) == ("production", braze.url)
    assert integration["id"] in page.text
    assert integration["latest_finished_sync"]["rows_synced"] == 100


def test_one_integration_is_shown_in_depth(daemon: Daemon) -> None:
    document = ask(daemon.port, ONE)
    assert document.headers["content-type"] == "application/json"
    shown = json.loads(document.body)
    assert shown["integration"]["id"] == "id-of-production"
    assert {sync["rows_synced"] for sync in shown["past"]} == {100}
    assert {request["outcome"] for request in shown["requests"]} == {"200"}
    assert shown["requests"][-1]["endpoint"] == "job_sync_status"


@pytest.mark.parametrize("path", ["production/x", "x/id-of-production", "production/", "id-of-production", "%2f/%00"])
def test_an_integration_that_is_not_watched_is_not_found(daemon: Daemon, path: str) -> None:
    assert ask(daemon.port, f"/api/v1/integrations/{path}").status == 404


def test_the_running_configuration_is_shown_without_its_secrets(daemon: Daemon, braze: SimulatedBraze) -> None:
    shown = ask(daemon.port, "/config")
    assert shown.headers["content-type"] == "text/yaml; charset=utf-8"
    (workspace,) = yaml.safe_load(shown.text)["workspaces"]
    assert (workspace["name"], workspace["rest_endpoint"]) == ("production", braze.url)
    assert (workspace["api_key"], workspace["poll"]["interval"]) == ("<secret>", "1s")
    assert workspace["integrations"] == [{"id": "id-of-production", "name": "users"}]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_holds_the_key(daemon: Daemon, braze: SimulatedBraze, path: str) -> None:
    (key,) = braze.world.workspaces["production"].keys
    assert key not in ask(daemon.port, path).text


@pytest.mark.parametrize("path", PATHS)
def test_head_tells_what_get_would_send(daemon: Daemon, path: str) -> None:
    got, head = ask(daemon.port, path), ask(daemon.port, path, method="HEAD")
    assert (got.status, head.status) == (200, 200)
    assert got.body != b""
    assert head.body == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers.keys() == got.headers.keys()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_only_reads_takes_no_other_method(daemon: Daemon, path: str, method: str) -> None:
    refused = ask(daemon.port, path, method=method)
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    ["/metrics/", "/nothing", "/favicon.ico", "/-/", "/api/v1/status/x", "/config/", "/config.yaml", "/../etc/passwd"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_anything_else_is_not_found(daemon: Daemon, path: str, method: str) -> None:
    assert ask(daemon.port, path, method=method).status == 404


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [("", False), ("*/*", False), ("text/html", False), ("application/openmetrics-text", True), (OPENMETRICS, True)],
)
def test_accept_decides_the_form_of_the_page(daemon: Daemon, accept: str, openmetrics: bool) -> None:
    answer = ask(daemon.port, "/metrics", {"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text") == openmetrics
    assert answer.body.endswith(b"# EOF\n") == openmetrics
