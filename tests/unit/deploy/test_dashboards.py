"""The generated dashboards are current, ask only what exists, and lead where they say."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from deploy.grafana.source import style
from deploy.grafana.source.__main__ import FOLDER, rendered
from deploy.grafana.source.style import STATUS
from deploy.grafana.source.words import ALERTS as WORDS_OF_ALERTS
from deploy.grafana.source.words import DOCUMENTS, PROBLEMS, runbook_of
from exporter.domain.dashboard import INTEGRATION_PATH
from exporter.metrics.catalogue import CATALOGUE
from tests.problems import HIGHEST
from tests.unit.deploy.problem_cases import KINDS
from tests.unit.deploy.test_rules import ALERTS, RECORDED, RULES, RUNBOOK, exported, named_in
from tools.dashboards.pictures import titles_of
from tools.dashboards.reading import ROOT, Json, Question, Window, dashboards, filled, panels, questions

DASHBOARDS = dashboards()
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
PROMETHEUS_OWN = {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds"}
OF_THE_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"}
PANELS = {f"{uid}: {panel['title']}": panel for uid, each in DASHBOARDS.items() for panel in panels(each)}
TABLES = [name for name, panel in PANELS.items() if panel["type"] == "table"]
QUESTIONS = [each for dashboard in DASHBOARDS.values() for each in questions(dashboard)]
OF_ALL_INTEGRATIONS = {family.name for family in CATALOGUE if family.name != "braze_cdi_problem"} | {
    name for name in RECORDED if name.startswith("integration:")
}
WINDOW = Window(now=1_800_000_000, span=21600, step=60, scrape_interval=30)
CHOSEN = {"workspace": ".+", **dict.fromkeys(("worst", "in_trouble", "integration"), "an-id"), **WINDOW.variables()}
WIDTH = 24


def walk(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value below *value*, with the way to it."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from walk(inner, (*path, key))


def fields_of(panel: Json) -> set[str]:
    """The columns that a table's queries give: their values and the labels they keep."""
    values = {f"Value #{target['refId']}" for target in panel["targets"]}
    kept = re.findall(r"\bby \(([^)]*)\)", " ".join(target["expr"] for target in panel["targets"]))
    info = {"integration_type", "warehouse_type", "app_group_id", "team"}  # kept by "without"
    return values | info | {label.strip() for labels in kept for label in labels.split(",")} | {"Time"}


def test_the_json_is_what_the_source_makes() -> None:
    written = {path: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == dict(rendered()), "make generate makes it current"


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_panels_fill_the_grid_without_overlapping(uid: str) -> None:
    cells = [
        (x, y)
        for panel in DASHBOARDS[uid]["panels"]
        for place in [panel["gridPos"]]
        for x, y in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]
    assert len(cells) == len(set(cells))
    assert set(cells) == set(itertools.product(range(WIDTH), range(1 + max(y for _, y in cells))))


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_ids_and_titles_are_unique(uid: str) -> None:
    for key in ("id", "title"):
        found = [panel[key] for panel in DASHBOARDS[uid]["panels"]]
        assert len(found) == len(set(found))


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_says_what_it_shows_and_what_missing_means(name: str) -> None:
    panel = PANELS[name]
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"]
    assert panel["targets"]


def test_nothing_is_wired_to_a_data_source() -> None:
    for dashboard in DASHBOARDS.values():
        for path, value in walk(dashboard):
            if path and path[-1] == "datasource":
                assert value == {"type": "prometheus", "uid": "${datasource}"}, path
            if path and path[-1] == "uid":
                assert path == ("uid",) or path[-2] == "datasource", path


def test_every_query_has_a_data_source() -> None:
    for dashboard in DASHBOARDS.values():
        for path, value in walk(dashboard):
            if isinstance(value, dict) and "expr" in value and path[-1] != "target":
                assert "datasource" in value, path


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.place)
def test_queries_can_be_read_and_ask_only_for_metrics_that_exist(question: Question) -> None:
    names = named_in(filled(question.expr, CHOSEN))
    assert names
    assert names <= exported() | RECORDED | PROMETHEUS_OWN | OF_THE_PROCESS


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.place)
def test_queries_about_integrations_heed_the_chosen_workspaces(question: Question) -> None:
    selectors: list[Any] = []

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)

    promql_parser.walk(promql_parser.parse(filled(question.expr, {**CHOSEN, "workspace": "chosen"})), note)
    for selector in selectors:
        matchers = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
        if question.place.endswith("$workspace"):
            assert matchers == {}
        else:
            assert matchers.get("workspace") in {"chosen", "chosen|"} or matchers.get("job") == "braze-cdi-exporter"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.place)
def test_nothing_asks_for_the_past_of_each_of_thousands_of_integrations(question: Question) -> None:
    selectors: list[Any] = []

    def note(node: object) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            selectors.append(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector) and not question.now:
            selectors.append(node)

    promql_parser.walk(promql_parser.parse(filled(question.expr, CHOSEN)), note)
    for selector in selectors:
        if selector.name in OF_ALL_INTEGRATIONS:
            assert "integration_id" in {matcher.name for matcher in selector.matchers.matchers}


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_variables_are_defined_and_used(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps({key: value for key, value in dashboard.items() if key != "templating"})
    used = set(re.findall(r"\$\{?([a-z]\w*)", text)) | {"datasource"}
    of_variables = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(dashboard["templating"])))
    assert used | of_variables == defined


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_links_lead_somewhere(uid: str) -> None:
    urls = {value for path, value in walk(DASHBOARDS[uid]) if path and path[-1] == "url"}
    beside = {link["url"]: link for link in DASHBOARDS[uid]["links"]}
    for other in set(DASHBOARDS) - {uid}:
        assert beside[f"/d/{other}"]["includeVars"]
        assert beside[f"/d/{other}"]["keepTime"]
    assert "${exporter}/" in urls
    sections = {f"#{alert.lower()}" for alert in re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)}
    for url in urls:
        if url.startswith("/d/"):
            assert url[3:].partition("?")[0] in DASHBOARDS
        elif url.startswith(DOCUMENTS):
            name, anchor = re.fullmatch(r"([a-z]+\.md)(#.*)?", url.removeprefix(DOCUMENTS)).groups()  # type: ignore[union-attr] # fails when None
            assert (ROOT / "docs" / name).exists()
            assert anchor is None or anchor in sections
        else:
            assert url.startswith("${exporter}/") or url == "${__value.raw}"


@pytest.mark.parametrize("name", TABLES)
def test_links_name_columns_and_addresses_that_the_table_has(name: str) -> None:
    table = PANELS[name]
    columns = set(table["transformations"][1]["options"]["renameByName"].values())
    linked = {}
    for override in table["fieldConfig"]["overrides"]:
        for changed in override["properties"]:
            if changed["id"] == "links":
                linked[override["matcher"]["options"]] = [link["url"] for link in changed["value"]]
    for urls in linked.values():
        assert set(re.findall(r'__data\.fields\["([^"]+)"\]', " ".join(urls))) <= columns
    everywhere = [url for urls in linked.values() for url in urls]
    if "Braze" in columns:
        assert linked["Braze"] == ["${__value.raw}"]
        page = '${exporter}/integrations/${__data.fields["Workspace"]:percentencode}/$'
        assert any(url.startswith(page) for url in everywhere)
    elif "Workspace" in columns:
        assert linked["Workspace"] == ["${exporter}/?workspace=${__value.raw:percentencode}"]


@pytest.mark.parametrize("name", PANELS)
def test_a_value_that_is_missing_is_not_the_loudest(name: str) -> None:
    overrides = [
        {changed["id"]: changed["value"] for changed in override["properties"]}
        for override in PANELS[name]["fieldConfig"]["overrides"]
    ]
    painted = PANELS[name]["type"] == "timeseries"  # as an area: it has no values of its own
    for config in (PANELS[name]["fieldConfig"]["defaults"], *overrides):
        steps = config["thresholds"]["steps"] if "thresholds" in config else [{"color": "text"}]
        if config.get("custom.cellOptions", {}).get("type") == "color-background":
            assert [step["color"] for step in steps] == ["transparent"]
        elif not painted:
            assert steps[0]["color"] != style.CRITICAL
        assert config.get("unit") != "dateTimeFromNow", "rounds 22 to 35 hours to a day"


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_that_is_empty_without_the_recording_rules_says_so(name: str) -> None:
    panel = PANELS[name]
    reads = RECORDED & {metric for each in panel["targets"] for metric in named_in(filled(each["expr"], CHOSEN))}
    assert ("where the recording rules are not loaded" in panel["description"]) == bool(reads)


def test_rules_and_dashboards_know_one_address_of_a_page_in_braze() -> None:
    rules = {rule["annotations"]["dashboard_url"] for rule in ALERTS.values() if "dashboard_url" in rule["annotations"]}
    asked = {each.expr for each in QUESTIONS if "dashboard_url" in each.expr}
    assert len(asked) == 4
    for text in rules | asked:
        assert INTEGRATION_PATH in text
        assert "braze_cdi_exporter_workspace_info{workspace=" in text


def test_links_to_one_integration_choose_it() -> None:
    urls = [
        value
        for path, value in walk(DASHBOARDS["braze-cdi-fleet"]["panels"])
        if path[-1:] == ("url",) and str(value).startswith("/d/")
    ]
    assert len(urls) == 3
    for url in urls:
        assert '?var-integration=${__data.fields["Integration id"]}&' in url
        assert all(f"${{{name}:queryparam}}" in url for name in ("datasource", "workspace", "exporter"))


def test_every_alert_has_readable_words() -> None:
    assert set(WORDS_OF_ALERTS) == set(ALERTS), "their words are in deploy/grafana/source/words.py"
    assert len(set(WORDS_OF_ALERTS.values())) == len(WORDS_OF_ALERTS)
    assert {problem: WORDS_OF_ALERTS[kind.alert] for problem, kind in KINDS.items()}.items() <= PROBLEMS.items()
    assert set(PROBLEMS) == set(HIGHEST), "the words of a problem are there too"


@pytest.mark.parametrize("alert", ALERTS)
def test_a_dashboard_and_an_alert_lead_to_the_same_section(alert: str) -> None:
    assert runbook_of(alert) == ALERTS[alert]["annotations"]["runbook_url"]


def test_the_words_for_statuses_are_those_of_the_recording_rule() -> None:
    (rule,) = (rule for rule in RULES if rule.get("record") == "integration:braze_cdi_last_sync_status:code")
    recorded = re.findall(r'(\d) \* group by .*?status="(\w+)"', rule["expr"], re.DOTALL)
    assert {int(code): word for code, word in recorded} == {code: word for code, (word, _) in STATUS.items()}


def test_the_colours_are_those_of_the_status_page() -> None:
    css = (ROOT / "exporter" / "web" / "templates" / "status.css").read_text()
    colours = {
        value
        for dashboard in DASHBOARDS.values()
        for path, value in walk(dashboard["panels"])
        if path and path[-1] in {"color", "fixedColor"} and isinstance(value, str)
    }
    assert len(colours) > 5
    for colour in colours - {"text", "transparent"}:
        assert colour in css


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_what_the_queries_give(name: str) -> None:
    panel = PANELS[name]
    merge, organize = panel["transformations"]
    assert merge["id"] == "merge"
    options = organize["options"]
    assert set(options["indexByName"]) <= fields_of(panel)
    assert set(options["renameByName"]) == set(options["indexByName"])
    assert set(options["excludeByName"]) <= fields_of(panel)
    shown = set(options["renameByName"].values())
    assert len(panel["targets"]) > 1
    assert {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]} <= shown
    assert panel["options"]["sortBy"][0]["displayName"] in shown


@pytest.mark.parametrize("name", PANELS)
def test_overrides_of_queries_name_queries(name: str) -> None:
    panel = PANELS[name]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["id"] == "byFrameRefID":
            assert override["matcher"]["options"] in {target["refId"] for target in panel["targets"]}


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_the_pictures_in_the_documents_show_every_panel(uid: str) -> None:
    titles = [panel["title"] for panel in DASHBOARDS[uid]["panels"]]
    for name in (uid, f"{uid}-dark"):
        png = (ROOT / "docs" / "pictures" / f"{name}.png").read_bytes()
        assert titles_of(png) == titles, "run: make screenshots"
    assert f"](pictures/{uid}.png)" in (ROOT / "docs" / "dashboards.md").read_text()


def test_provisioning_finds_the_dashboards_where_compose_mounts_them() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "braze-cdi.yaml").read_text())["providers"]
    mounts = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounts


def test_the_provisioned_data_source_is_a_prometheus_and_the_default() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    assert source["isDefault"]
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert [each["scrape_interval"] for each in scraped] == [source["jsonData"]["timeInterval"]]
