"""
Every panel, variable and annotation of the shipped dashboards is filled by the demo, by way of a real Prometheus with
the shipped rules. Grafana itself is not here; its variables are replaced as it would.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import pytest

from exporter.clock import SystemClock
from exporter.simulator.presets import populate
from exporter.simulator.world import World
from tests.stack.demo_stack import demo_stack
from tools.dashboards.asking import choose
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import Question, Window, dashboards, filled, options_of, panels, questions, series_of

FLEET = dashboards()["braze-cdi-fleet"]
INTEGRATION = dashboards()["braze-cdi-integration"]
DEMO = World(1, SystemClock().now())
populate(DEMO)
IDS = {each.name: key for key, each in DEMO.integrations.items()}
DAY = 86400
PATIENCE_SECONDS = 90.0
"""Some syncs must finish and fail first; the demo's schedules are 20 to 90 seconds."""


class Reader:
    """Somebody who looks at the dashboards: chooses variables and reads the answers."""

    def __init__(self, url: str) -> None:
        self._prometheus = Prometheus(url)

    def answer(
        self, question: Question, integration: str = "", workspace: str = ".+", span: float = 120
    ) -> list[dict[str, Any]]:
        """The series of *question* that have a value. The steps are short, for there is but a minute of data."""
        window = Window(time(), span, DAY if question.step_seconds == DAY else 2, scrape_interval=1)
        integration = IDS.get(integration, "")
        chosen = choose(FLEET, self._prometheus, window, workspace=workspace, integration=integration)
        expr = filled(question.expr, {**chosen, **window.variables()})
        if question.now:
            series = self._prometheus.now(expr, window.now)
        else:
            series = self._prometheus.over_time(expr, window.start, window.end, window.step)
        return [each for each in series if any(not math.isnan(value) for value in values_of(each))]

    def value(self, question: Question, integration: str) -> float:
        """The latest value of the one series there is."""
        (series,) = self.answer(question, integration)
        return values_of(series)[-1]


def values_of(series: dict[str, Any]) -> list[float]:
    return [float(value) for _, value in series.get("values", [series.get("value")])]


def question(dashboard: dict[str, Any], place: str) -> Question:
    (found,) = (each for each in questions(dashboard) if each.place == f"{dashboard['uid']}: {place}")
    return found


TO_COME = ("unwatched_integrations",)
"""What needs a key that may list more than is watched."""


def is_to_come(asked: Question) -> bool:
    return any(name in asked.expr for name in TO_COME)


def is_answered(reader: Reader, asked: Question) -> bool:
    """Whether it gives anything: in the fleet, or for any integration."""
    of_fleet = asked.place.startswith(FLEET["uid"])
    return any(reader.answer(asked, name) for name in ([""] if of_fleet else IDS))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has waited until everything has an answer, for so long as is reasonable."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with demo_stack(folder) as url:
        somebody = Reader(url)
        deadline = monotonic() + PATIENCE_SECONDS
        missing = [each for each in (*questions(FLEET), *questions(INTEGRATION)) if not is_to_come(each)]
        while missing := [each for each in missing if not is_answered(somebody, each)]:
            assert monotonic() < deadline, [each.place for each in missing]
            sleep(2)
        yield somebody


def test_the_fleet_counts_every_integration_once_though_two_exporters_watch(reader: Reader) -> None:
    counts = [reader.value(question(FLEET, f"{title}: A"), "") for title in ("Critical", "Warning", "Healthy")]
    assert sum(counts) == len(IDS)
    assert min(counts) > 0


def test_the_table_of_integrations_has_one_row_for_each(reader: Reader) -> None:
    for ref in "ABCDEFGHIJKL":
        rows = [each["metric"]["integration_id"] for each in reader.answer(question(FLEET, f"Integrations: {ref}"))]
        assert len(rows) == len(set(rows)), ref
        assert set(rows) <= set(IDS.values()), ref
    problems = reader.answer(question(FLEET, "Integrations: A"))
    assert {each["metric"]["integration_id"] for each in problems} == set(IDS.values())


def test_tables_get_no_label_that_would_keep_rows_apart(reader: Reader) -> None:
    for dashboard in (FLEET, INTEGRATION):
        for panel in panels(dashboard):
            if panel["type"] == "table" and panel["title"] != "Properties":
                named = set(panel["transformations"][1]["options"]["renameByName"])
                for target in panel["targets"]:
                    asked = question(dashboard, f"{panel['title']}: {target['refId']}")
                    assert all(set(each["metric"]) <= named for each in reader.answer(asked)), asked.place


def test_properties_are_one_row_with_the_configured_labels(reader: Reader) -> None:
    (info,) = reader.answer(question(INTEGRATION, "Properties: B"), "purchases")
    assert info["metric"]["team"] == "crm"
    assert not {"__name__", "instance", "job"} & set(info["metric"])


@pytest.mark.parametrize(("dashboard", "place"), [(FLEET, "Integrations: L"), (INTEGRATION, "Properties: A")])
def test_each_integration_has_its_page_in_braze(reader: Reader, dashboard: dict[str, Any], place: str) -> None:
    pages = {
        each["metric"]["integration_id"]: each["metric"]["braze"]
        for each in reader.answer(question(dashboard, place), "purchases")
    }
    found = list(IDS.values()) if dashboard is FLEET else [IDS["purchases"]]
    assert pages == {each: f"https://dashboard-03.braze.com/integrations/cloud_data_ingestion/{each}" for each in found}


def test_an_alert_has_the_page_of_its_integration(reader: Reader) -> None:
    pages = reader.answer(question(FLEET, "Firing alerts: B"))
    assert pages
    assert all(each["metric"]["braze"].endswith(f"/{each['metric']['integration_id']}") for each in pages)


def test_what_is_about_one_integration_is_one_series(reader: Reader) -> None:
    several = ("Problems: A", "Finished syncs by day: A", "$workspace", "$integration")
    for each in questions(INTEGRATION):
        if not each.place.endswith(several):
            assert len(reader.answer(each, "purchases")) <= 1, each.place


def test_the_demos_troubles_are_shown_as_what_they_are(reader: Reader) -> None:
    def of(place: str, integration: str) -> float:
        return reader.value(question(INTEGRATION, place), integration)

    assert of("Problem: A", "users_daily_profile") == 0
    assert of("Problem: A", "churn_scores") == 2
    assert of("Overdue: A", "order_refunds") > 0
    assert of("Problem: A", "store_visits") == 2
    assert of("Watermark behind: A", "store_visits") < -300
    assert of("Failures in a row: A", "churn_scores") >= 2
    assert of("Latest sync: A", "product_catalog") == 1
    assert reader.answer(question(INTEGRATION, "Latest sync: A"), "trial_signups") == []


def test_no_workspace_and_no_integration_is_shown_beside_the_chosen_ones(reader: Reader) -> None:
    table = reader.answer(question(FLEET, "Integrations: A"), workspace="marketing-eu")
    assert {each["metric"]["workspace"] for each in table} == {"marketing-eu"}
    both = reader.answer(question(FLEET, "Integrations: A"), workspace="(crm|marketing-eu|production)")
    assert len(both) == len(IDS)


def test_alerts_about_the_exporter_show_whatever_workspace_is_chosen(reader: Reader) -> None:
    names = {
        each["metric"]["alertname"]
        for state in ("Firing", "Pending")
        for each in reader.answer(question(FLEET, f"{state} alerts: A"), workspace="marketing-eu")
    }
    assert "BrazeCDIStateNotPersistent" in names
    assert "BrazeCDISyncConfigError" not in names


def test_an_alert_is_firing_or_pending(reader: Reader) -> None:
    firing, pending = (
        {tuple(sorted(each["metric"].items())) for each in reader.answer(question(FLEET, f"{state} alerts: A"))}
        for state in ("Firing", "Pending")
    )
    assert firing
    assert not firing & pending


def test_integrations_are_offered_by_name_and_chosen_by_id(reader: Reader) -> None:
    (variable,) = (each for each in INTEGRATION["templating"]["list"] if each["name"] == "integration")
    answer = reader.answer(Question("", series_of(variable), now=True, step_seconds=0))
    offered = {text.split(" · ")[0]: value for text, value in options_of(variable, answer)}
    assert offered == IDS


def test_failures_are_marked_where_they_happened(reader: Reader) -> None:
    marks = question(INTEGRATION, "annotation Failed sync")
    assert reader.answer(marks, "churn_scores")
    assert reader.answer(marks, "users_daily_profile") == []
