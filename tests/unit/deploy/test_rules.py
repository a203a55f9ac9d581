"""The alert rules load, have cases that say what they do, and lead whoever reads them to the right place."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from exporter.domain.health import UNITS
from exporter.domain.limits import Unit
from exporter.domain.problem import Severity
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.self_metrics import SelfMetrics
from tests.components import component
from tests.problems import HIGHEST, LIMITED, MEASURED, SECONDS
from tests.unit.deploy.problem_cases import KINDS, cases
from tools.release import home

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.rules.yml"))
TEST_FILES = sorted((ROOT / "tests" / "deploy" / "rules").glob("*.test.yml"))
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ALERTING = (ROOT / "docs" / "alerting.md").read_text()
BASE = f"{home()}/blob/main/docs/runbook.md#"

RULES: list[dict[str, Any]] = [
    rule for file in RULE_FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
PROBLEM = "integration:braze_cdi_problem:last"
OF_INTEGRATIONS = {name for name, rule in ALERTS.items() if PROBLEM in rule["expr"]}
NO_CASE = "its cases are in tests/deploy/rules, or problem_cases.py: fires, stays silent, resolves"
CASES: list[dict[str, Any]] = [
    *(case for file in TEST_FILES for case in yaml.safe_load(file.read_text())["tests"]),
    *cases(ALERTS),
]


def exported() -> set[str]:
    """The name of every sample that the exporter can have."""
    instruments = {(each.name, str(each.kind)) for each in SelfMetrics()._instruments}
    histograms = {name for name, kind in instruments if kind == "histogram"}
    return (
        {family.name for family in CATALOGUE}
        | {name for name, _ in instruments}
        | {f"{name}{suffix}" for name in histograms for suffix in ("_bucket", "_sum", "_count")}
    )


def named_in(query: str) -> set[str]:
    """The metrics that *query* asks for."""
    names = set()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name is not None:
            names.add(node.name)

    promql_parser.walk(promql_parser.parse(query), note)
    return names


def queries_in(document: str) -> Iterator[str]:
    """What stands between backticks in the text and asks for a metric of ours."""
    prose = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`]+)`", prose):
        if re.search(r"braze_cdi_|\bup\b", code):
            yield code.replace("\n", " ")


def cases_of(alert: str, outcome: str) -> list[dict[str, Any]]:
    return [case for case in CASES if re.match(rf"{alert} {outcome}: .", case["name"])]


def firings(case: dict[str, Any], alert: str) -> list[bool]:
    """What the case expects of *alert*, in the order of time: whether it fires."""
    expected = [(each["eval_time"], bool(each.get("exp_alerts"))) for each in case.get("alert_rule_test", [])]
    for each in case.get("promql_expr_test", []):
        assert f'alertname="{alert}"' in each["expr"], case["name"]
        expected.append((each["eval_time"], bool(each.get("exp_samples"))))
    return [fires for _, fires in sorted(expected, key=lambda each: promql_parser.parse_duration(each[0]))]


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    run = subprocess.run(
        [component("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()


def test_prometheus_takes_the_example_and_finds_all_rules() -> None:
    run = subprocess.run(
        [component("promtool"), "check", "config", PROMETHEUS / "prometheus.yml"], capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode()
    assert f"{len(RULE_FILES)} rule files found" in run.stdout.decode()


def test_each_kind_of_problem_has_one_alert_for_all_severities_but_info() -> None:
    selected = {
        name: re.findall(rf'{PROBLEM}{{problem="(\w+)"}}', ALERTS[name]["expr"]) for name in sorted(OF_INTEGRATIONS)
    }
    assert selected == {
        kind.alert: [problem] for problem, kind in sorted(KINDS.items(), key=lambda each: each[1].alert)
    }
    assert set(KINDS) == {kind for kind, highest in HIGHEST.items() if highest > Severity.INFO}, (
        "tests/unit/deploy/problem_cases.py has each kind of problem that can be worse than info"
    )
    (rule,) = (each for each in RULES if each.get("record") == "integration:braze_cdi_problem:max")
    assert 'braze_cdi_problem{severity!="info"}' in rule["expr"]


def test_no_alert_reads_what_is_only_info() -> None:
    assert not [name for name, rule in ALERTS.items() if re.search(r"braze_cdi_problem(?!:last)", rule["expr"])]


def test_no_group_has_more_rules_than_mimir_allows() -> None:
    for file in RULE_FILES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            assert len(group["rules"]) <= 20, group["name"]


def test_every_case_belongs_to_an_alert_and_says_what_it_shows() -> None:
    for case in CASES:
        named = re.match(r"(\w+) (?:fires|stays silent|resolves): .", case["name"])
        assert named, case["name"]
        assert named[1] in ALERTS, case["name"]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_shown_firing_silent_and_resolving(alert: str) -> None:
    fires, silent, resolves = (cases_of(alert, outcome) for outcome in ("fires", "stays silent", "resolves"))
    assert fires, NO_CASE
    assert silent, NO_CASE
    assert resolves, NO_CASE
    assert all(firings(case, alert)[-1] for case in fires)
    assert not any(fired for case in silent for fired in firings(case, alert))
    for case in resolves:
        expected = firings(case, alert)
        assert (expected[0], expected[-1]) == (True, False), case["name"]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_shown_once_with_its_whole_text(alert: str) -> None:
    texts = [
        fired["exp_annotations"]
        for case in cases_of(alert, "fires")
        for expected in case.get("alert_rule_test", [])
        for fired in expected.get("exp_alerts", [])
    ]
    assert texts, NO_CASE
    annotations = {"summary", "description", "runbook_url"} | (
        {"status_url", "dashboard_url"} if alert in OF_INTEGRATIONS else set()
    )
    assert all(set(text) == annotations for text in texts)


@pytest.mark.parametrize("alert", ALERTS)
def test_two_exporters_make_one_alert(alert: str) -> None:
    for case in cases_of(alert, "fires"):
        instances = {
            name for each in case["input_series"] for name in re.findall(r'instance="([^"]+)"', each["series"])
        }
        if len(instances) > 1 and all(len(each.get("exp_alerts", [])) <= 1 for each in case.get("alert_rule_test", [])):
            return
    pytest.fail("no case with two exporters in tests/deploy/rules, where it fires as one alert")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_where_and_what_next(alert: str) -> None:
    rule = ALERTS[alert]
    if alert in OF_INTEGRATIONS:  # the series has it, as the exporter judges
        assert "labels" not in rule
    else:
        assert set(rule["labels"]) == {"severity"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    text = rule["annotations"]["description"]
    assert "Next: " in text
    if alert in OF_INTEGRATIONS:
        assert {"workspace", "integration_name", "integration_id"} <= set(re.findall(r"\$labels\.(\w+)", text))
    else:
        assert re.search(r"\$labels\.(workspace|job)", text)


@pytest.mark.parametrize("problem", KINDS)
def test_an_alert_names_the_value_and_the_limit_that_the_page_names(problem: str) -> None:
    text = ALERTS[KINDS[problem].alert]["annotations"]["description"]
    asked = re.escape('{{- with printf "max(braze_cdi_problem_NAME{%s, problem=%q})" $of $labels.problem | query }}')
    shown = asked.replace("NAME", r"(\w+)") + r" [\w ]+: \{\{ \. \| first \| value \| ([^}]+) \}\}\."
    figures = re.findall(shown, text)
    assert [name for name, _ in figures] == ["value"] * (problem in MEASURED) + ["limit"] * (problem in LIMITED)
    unit = "humanizeDuration" if problem in {*SECONDS, "stale"} else 'printf "%.0f"'
    unit = unit if problem != "rows_failed" else "humanizePercentage"
    assert {form for _, form in figures} <= {unit}
    # No other gauge is called a limit: it might be another one than the page names.
    assert len(re.findall(r"_limit", text)) == len(re.findall(r"\bLimit\b", text)) == (problem in LIMITED)


def test_units_of_problems_are_those_of_the_judge() -> None:
    assert {kind for kind, unit in UNITS.items() if unit is Unit.SECONDS} == {*SECONDS, "stale"}
    assert {kind for kind, unit in UNITS.items() if unit is Unit.SHARE} == {"rows_failed"}


@pytest.mark.parametrize("alert", ALERTS)
def test_the_runbook_has_a_section_for_it_that_tells_what_to_do(alert: str) -> None:
    (heading,) = (
        (problem for problem, kind in KINDS.items() if kind.alert == alert) if alert in OF_INTEGRATIONS else (alert,)
    )
    assert ALERTS[alert]["annotations"]["runbook_url"] == BASE + heading.lower()
    section = re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert section, f"docs/runbook.md has no section {heading}"
    parts = ["Means", "Look at", "Do"]
    assert re.findall(r"^- \*\*(Means|Look at|Do)\*\*", section[1], re.MULTILINE) == parts


def test_the_runbook_has_a_section_for_each_problem_and_alert_and_none_besides() -> None:
    sections = set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE))
    assert sections == set(HIGHEST) | (set(ALERTS) - OF_INTEGRATIONS), "they are in docs/runbook.md"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_only_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    assert named_in(rule["expr"]) <= exported() | RECORDED | {"up", "ALERTS"}


@pytest.mark.parametrize("document", [RUNBOOK, ALERTING], ids=["runbook", "alerting"])
def test_queries_in_the_documents_ask_only_for_metrics_that_exist(document: str) -> None:
    queries = list(queries_in(document))
    for query in queries:
        assert named_in(query) <= exported() | RECORDED | {"up", "ALERTS"}, query
    assert document is ALERTING or len(queries) > len(ALERTS)


def labels_lost(expr: str) -> list[str]:
    """Where *expr* forgets which installation a series is of: no cluster and namespace in it."""
    lost = []

    def note(node: object) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            kept = set(node.modifier.labels) if node.modifier else set()
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            kept = set(node.modifier.matching.labels)
        else:
            return
        if not kept >= {"cluster", "namespace"}:
            lost.append(str(node))

    promql_parser.walk(promql_parser.parse(expr), note)
    return lost


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_keep_installations_apart(rule: dict[str, Any]) -> None:
    assert not labels_lost(rule["expr"])
    text = rule.get("annotations", {}).get("description", "")
    looked_up = re.findall(r':= printf "([^"]+)"', text)
    assert all("cluster=%q, namespace=%q" in selector for selector in looked_up), looked_up
    queries = re.findall(r'with printf "([^"]+)"', text)
    assert all(re.search(r"\{(?:%s|cluster=%q, namespace=%q)", query) for query in queries), queries


def test_recorded_names_say_level_metric_and_operation() -> None:
    for name in RECORDED:
        assert re.fullmatch(r"(integration|workspace|workspace_endpoint):braze_cdi_\w+:[a-z0-9_]+", name), name


def test_the_limits_that_the_runbook_tunes_are_configured() -> None:
    tuned = set(re.findall(r"limits: \{(\w+):", RUNBOOK))
    listed = set(re.findall(r"^\| `limits\.(\w+)` \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE))
    assert tuned
    assert tuned <= listed


def test_the_document_names_every_kind_of_problem() -> None:
    table = ALERTING.split("## Problems")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(HIGHEST), "the table is in docs/alerting.md"
