"""
Each fault of the simulator, of the exporter and of its surroundings makes its alert arrive at the receiver, by the real
Prometheus with the shipped rules and the real Alertmanager with the shipped routes; it ends after the fault, and no
other one arrives, though an exporter is killed and restarted in the middle.

The copies of rules and routes differ in how long things take, and in nothing else (copies.py). So four alerts that look
ten minutes or more back are only seen arriving here; their ends are seen of twins that look less far back. The
conditions of other alerts that need longer than a test has are for promtool (tests/deploy/rules):
BrazeCDIDiscoveryStale for a list once read, BrazeCDIPollsStopped after polls that came.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from math import inf
from typing import Any

import promql_parser
import pytest

from tests.stack.cast import SYNCS
from tests.stack.copies import (
    LASTING,
    SHORT_RANGE,
    local_routes,
    shipped_routes,
    shipped_rules,
    short_sighted,
    short_sighted_rules,
    shorter_rules,
)
from tests.stack.faults import ALL_DOWN, FAULTS, Fault
from tests.stack.learned_stage import LEARNED_ALERTS
from tests.stack.receiver import Alert, Message
from tests.stack.stage import stage
from tests.stack.story import Story, ending

PLAYED = (*FAULTS, ALL_DOWN)
ALERTS = {
    rule["alert"]: rule
    for document in shipped_rules().values()
    for group in document["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
COUNTERS = (
    "braze_cdi_syncs_total",
    "braze_cdi_rows_synced_total",
    "braze_cdi_rows_failed_with_errors_total",
    "braze_cdi_sync_duration_seconds_total",
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Everything has happened; Prometheus still answers."""
    with stage(tmp_path_factory.mktemp("stage")) as built, ExitStack() as stack:
        played = Story(built)
        played.play(stack)
        yield played


def told(story: Story) -> str:
    """What arrived, for whoever reads a failure."""
    start = min(story.began.values())
    lines = [(at, f"begins: {name}") for name, at in story.began.items()]
    lines += [(at, f"ends: {name}") for name, at in story.ended.items()]
    lines += [
        (each.at, f"    {'firing' if each.firing else 'resolved'} at {each.receiver}: {each.alert}")
        for each in story.stage.inbox.messages
    ]
    lines += [(story.killed_at, "the exporter of the syncs is killed"), (story.back_at, "and is back")]
    lines += [(story.last_act_at, "the last act")]
    return "\n".join(f"{at - start:6.1f} {line}" for at, line in sorted(lines))


def by_name(fault: Fault) -> str:
    return fault.name.replace(" ", "-")


def with_twins(alerts: Iterable[Alert]) -> set[Alert]:
    return {twin for alert in alerts for twin in (alert, alert._replace(name=short_sighted(alert.name)))}


SUPERSEDED = {"BrazeCDIIntegrationPollsFailing"}
"""Ends before its fault does, because a more telling one takes its place."""


def test_every_shipped_alert_is_played() -> None:
    played = {alert.name for fault in PLAYED for alert in fault.alerts}
    assert played | LEARNED_ALERTS == set(ALERTS), "tests/stack/faults.py says what raises each"


@pytest.mark.parametrize("fault", PLAYED, ids=by_name)
def test_a_fault_makes_its_alerts_arrive(story: Story, fault: Fault) -> None:
    missing = fault.alerts - story.stage.inbox.arrived()
    assert not missing, told(story)


@pytest.mark.parametrize("fault", PLAYED, ids=by_name)
def test_alerts_end_after_the_fault_and_not_before(story: Story, fault: Fault) -> None:
    until = inf if fault is ALL_DOWN else story.last_act_at
    for alert in ending(fault):
        assert alert not in story.stage.inbox.firing(until), told(story)
        ends = [each.at for each in story.stage.inbox.messages if each.alert == alert and not each.firing]
        assert ends, told(story)
        assert min(ends) >= story.ended[fault.name] or alert.name in SUPERSEDED, told(story)


def test_no_false_alert_arrives(story: Story) -> None:
    expected = with_twins(alert for fault in FAULTS for alert in fault.alerts | fault.also)
    before = {each.alert for each in story.stage.inbox.messages if each.at < story.last_act_at}
    assert before <= expected, f"{sorted(map(str, before - expected))}\n{told(story)}"


def test_nothing_else_arrives_while_all_exporters_are_down(story: Story) -> None:
    trailing = with_twins(alert for fault in FAULTS for alert in fault.also)
    lasting = with_twins(alert for fault in FAULTS for alert in fault.alerts if alert.name in LASTING)
    others = story.stage.inbox.arrived(story.last_act_at) - ALL_DOWN.alerts - ALL_DOWN.also - trailing - lasting
    assert not others, told(story)


def test_an_exporter_was_really_killed_and_counters_went_on_where_they_were(story: Story) -> None:
    ask = story.stage.prometheus.now
    assert 0 < story.killed_at < story.back_at, told(story)
    window = f"{int(story.last_act_at - min(story.began.values()))}s"
    instance = f'instance="{story.stage.addresses[SYNCS]}"'
    assert ask(f"min_over_time(up{{{instance}}}[{window}]) == 0", story.last_act_at)
    assert ask(f"resets(process_cpu_seconds_total{{{instance}}}[{window}]) == 1", story.last_act_at)
    for counter in COUNTERS:
        counted = ask(f'increase({counter}{{{instance},integration_name!="stuck"}}[{window}])', story.last_act_at)
        assert counted, counter
        assert not ask(f"resets({counter}[{window}]) > 0", story.last_act_at), counter
    fine = '{workspace="syncs",integration_name="fine",status="success"}'
    (increase,) = ask(f"increase(braze_cdi_syncs_total{fine}[{window}])", story.last_act_at)
    # One sync every five seconds, also while nobody looked.
    expected = (story.last_act_at - min(story.began.values())) / 5
    assert float(increase["value"][1]) == pytest.approx(expected, abs=3)


def test_an_exporter_of_the_same_name_in_another_cluster_is_another_one(story: Story) -> None:
    about = [each for each in story.stage.inbox.messages if each.at < story.last_act_at]
    assert {each.labels["cluster"] for each in about} == {"one"}, told(story)


def receiver_of(message: Message) -> str:
    """Where docs/alerting.md says that such an alert goes."""
    severity, team = message.labels["severity"], message.labels.get("team")
    if severity == "info":
        return "log"
    kind = "page" if severity == "critical" else "ticket"
    return f"{team}-{kind}" if team == "crm" else kind


def test_each_alert_goes_to_its_receiver(story: Story) -> None:
    assert {each.receiver for each in story.stage.inbox.messages} == {"page", "ticket", "log", "crm-page", "crm-ticket"}
    for message in story.stage.inbox.messages:
        assert message.receiver == receiver_of(message), message


def test_messages_tell_figures_and_leave_nothing_out(story: Story) -> None:
    for message in story.stage.inbox.messages:
        text = " ".join(message.annotations.values())
        assert not any(flaw in text for flaw in ("<no value>", "<error", "%!", "NaN", "Inf", "  ")), text
        name = message.labels.get("problem") or message.alert.name.removesuffix("ShortSighted").lower()
        assert message.annotations["runbook_url"].endswith(f"#{name}")
        if "problem" in message.labels:
            page = f"/integrations/{message.alert.workspace}/{message.labels['integration_id']}"
            assert message.annotations["status_url"].endswith(page)


def metrics_without_data(story: Story, documents: dict[str, dict[str, Any]]) -> set[str]:
    """Names that the rules ask for, and of which this Prometheus has not seen a single sample."""
    names: set[str] = set()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name is not None:
            names.add(node.name)

    for document in documents.values():
        for group in document["groups"]:
            for rule in group["rules"]:
                promql_parser.walk(promql_parser.parse(rule["expr"]), note)
    return {
        name for name in names if not story.stage.prometheus.now(f"count_over_time({name}[15m])", story.last_act_at)
    }


def test_every_metric_that_a_rule_asks_for_has_data(story: Story) -> None:
    assert not metrics_without_data(story, shipped_rules())


def test_a_renamed_metric_would_be_noticed(story: Story) -> None:
    broken = deepcopy(shipped_rules())
    rule = next(
        rule
        for group in broken["braze-cdi-exporter.rules.yml"]["groups"]
        for rule in group["rules"]
        if rule.get("record") == "workspace:braze_cdi_down:ratio"
    )
    rule["expr"] = rule["expr"].replace("braze_cdi_up", "braze_cdi_is_up")
    assert "braze_cdi_is_up" in metrics_without_data(story, broken)


def without(document: Any, *names: str) -> Any:
    """A copy without what is called so, wherever it stands."""
    if isinstance(document, dict):
        return {name: without(value, *names) for name, value in document.items() if name not in names}
    return [without(each, *names) for each in document] if isinstance(document, list) else document


def test_the_copies_differ_from_what_is_shipped_in_times_and_addresses_only() -> None:
    waits = ("for", "keep_firing_for", "interval")
    for document in shipped_rules().values():
        copy = shorter_rules(document)
        assert copy != document or not any(name in str(document) for name in waits)
        assert without(copy, *waits) == without(document, *waits)
    routes = shipped_routes()
    copy = local_routes(routes, "http://127.0.0.1:1")
    times = ("group_wait", "group_interval")
    assert without(copy, *times, "url") == without(routes, *times, "url")


def test_twins_differ_from_what_is_shipped_in_name_and_range_only() -> None:
    shipped = shipped_rules()
    (group,) = short_sighted_rules(shipped)["groups"]
    assert {short_sighted(name) for name in LASTING} == {rule["alert"] for rule in group["rules"]}
    for twin in group["rules"]:
        rule = ALERTS[twin["alert"].removesuffix("ShortSighted")]
        assert twin["expr"] != rule["expr"]
        assert twin["expr"].replace(f"[{SHORT_RANGE}]", f"[{LASTING[rule['alert']]}]") == rule["expr"]
        assert without(twin, "alert", "expr", "keep_firing_for") == without(rule, "alert", "expr", "keep_firing_for")
