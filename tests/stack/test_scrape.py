"""
The real Prometheus is told nothing about formats: it asks for what it likes best, gets OpenMetrics, and takes it.

Only that format names a counter's family without `_total`, so what Prometheus remembers tells which page it got.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.command import wait_for
from tests.stack.demo_stack import demo_stack


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Prometheus' API, after a scrape of each target."""
    with (
        demo_stack(tmp_path_factory.mktemp("scrape")) as url,
        httpx.Client(base_url=f"{url}/api/v1/", trust_env=False) as client,
    ):
        wait_for("both targets scraped", lambda: is_scraped(client))
        yield client


def targets(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("targets").json()["data"]["activeTargets"]
    return found


def is_scraped(api: httpx.Client) -> bool:
    """Whether each of the two targets has been asked."""
    return len([each for each in targets(api) if each["health"] != "unknown"]) == 2


def test_every_scrape_succeeds(api: httpx.Client) -> None:
    assert [(each["health"], each["lastError"]) for each in targets(api)] == [("up", "")] * 2


def test_the_page_that_prometheus_gets_is_openmetrics(api: httpx.Client) -> None:
    about = api.get("targets/metadata", params={"metric": "braze_cdi_syncs"}).json()["data"]
    assert [each["type"] for each in about] == ["counter", "counter"]
