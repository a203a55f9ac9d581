"""
What is wrong with an integration is the same by contract 7, by the judge, on the page, and by the shipped rules.

Timelines of a few dozen integrations are drawn (`tests/timelines.py`): states, limits, ages, failing polls, the outage
of a whole workspace. For each minute contract 7 says what is wrong, worked out from the drawn facts alone. Then

- the judge must report that and nothing else,
- a real Prometheus that holds the pages must find each alert's expression true for that, apart from what is only info,
  and from what the rules document: while most of a workspace cannot be polled, one alert stands for `poll_failing` and
  `stale` of its integrations,
- promtool must find each alert firing just when the expression has held for the rule's `for`, until it has not held for
  its `keep_firing_for`.

Then each entry of the judge's table, and each rule, is broken on purpose, and the same comparisons must notice. How the
loss of an exporter resolves nothing is tested in tests/deploy/rules. TIMELINE_SEED draws other timelines: they too must
agree, but only the first is sure to hold all that the last tests break.
"""

import os
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from exporter.domain import health
from exporter.domain.health import KINDS, PROBLEMS, Kind
from exporter.domain.problem import Case, Problem, Severity
from tests.components import component
from tests.problems import HIGHEST
from tests.stack.copies import shipped_rules
from tests.stack.timeline_rules import (
    ALERTS,
    KIND_OF,
    RULES,
    WORKSPACE_ALERT,
    Reported,
    Samples,
    evaluated,
    fires,
    holds,
    rules_of,
    scraped,
)
from tests.timelines import MINUTES, OUTAGE, Timeline, Wrong, at, case_at, draw_timelines, is_up, wrong_at
from tools.dashboards.prometheus import Prometheus

SEED = int(os.environ.get("TIMELINE_SEED", "1"))
LEARNED = {"slow", "rows_high", "resynced"}
"""Kinds that rest on what was learned, which no timeline has."""
OUTAGE_LOOKS_BACK = 10
"""Minutes for which an outage of the workspace holds back `poll_failing`."""
QUICK = 45
"""This part of the timeline is enough to see that a rule is broken."""


def minutes(duration: str | None) -> int:
    return int(promql_parser.parse_duration(duration).total_seconds()) // 60 if duration else 0


# What must be


@cache
def timelines() -> tuple[Timeline, ...]:
    return draw_timelines(SEED)


@cache
def wrong() -> tuple[tuple[Timeline, int, frozenset[Wrong]], ...]:
    """What contract 7 says of each integration at each minute."""
    return tuple((each, n, frozenset(wrong_at(each, n))) for each in timelines() for n in range(MINUTES))


@cache
def down() -> Mapping[str, Collection[int]]:
    """When more than half of a workspace cannot be polled."""
    found: dict[str, set[int]] = {each.integration.workspace: set() for each in timelines()}
    for workspace, held in found.items():
        for minute in range(MINUTES):
            ups = [is_up(each, minute) for each in timelines() if each.integration.workspace == workspace]
            if ups.count(False) > ups.count(True):
                held.add(minute)
    return found


def firing(held: Collection[int], rule: Mapping[str, Any]) -> set[int]:
    """When the alert fires whose expression holds in these minutes."""
    wait, keep = minutes(rule.get("for")), minutes(rule.get("keep_firing_for"))
    found, since, ended, is_firing = set[int](), None, None, False
    for minute in range(MINUTES):
        if minute in held:
            since, ended = minute if since is None else since, None
            is_firing = is_firing or minute - since >= wait
        else:
            ended = minute if ended is None else ended
            is_firing = is_firing and minute - ended < keep
            since = since if is_firing else None
        if is_firing:
            found.add(minute)
    return found


@cache
def outages() -> Mapping[str, Collection[int]]:
    """When the alert about a workspace fires."""
    (rule,) = (rule for rule in RULES if rule.get("alert") == WORKSPACE_ALERT)
    return {workspace: firing(held, rule) for workspace, held in down().items()}


def is_held_back(workspace: str, kind: str, minute: int, window: int) -> bool:
    if kind == "poll_failing":
        return any(minute - ago in down()[workspace] for ago in range(window))
    return kind == "stale" and minute in outages()[workspace]


@cache
def expected() -> Mapping[str, Mapping[Reported, Collection[int]]]:
    """By alert: when its expression must hold."""
    version = subprocess.run([component("prometheus"), "--version"], capture_output=True, check=True, text=True)
    # Prometheus 3 leaves out a sample that is exactly as old as the range is long.
    window = OUTAGE_LOOKS_BACK + ("version 2." in version.stdout + version.stderr)
    found: dict[str, dict[Reported, set[int]]] = {alert: {} for alert in ALERTS}
    alert_of = {kind: alert for alert, kind in KIND_OF.items()}
    for timeline, minute, all_wrong in wrong():
        integration = timeline.integration
        for name, kind, severity in all_wrong:
            if severity != "info" and not is_held_back(integration.workspace, kind, minute, window):
                each = Reported(name, kind, severity, dict(integration.labels).get("team", ""))
                found[alert_of[kind]].setdefault(each, set()).add(minute)
    return found


def differences(one: Mapping[Reported, Collection[int]], other: Mapping[Reported, Collection[int]]) -> list[str]:
    return [
        f"{each} at minute {minute}, seed {SEED}"
        for each in sorted(one.keys() | other.keys())
        for minute in sorted(set(one.get(each, ())) ^ set(other.get(each, ())))
    ]


@cache
def cases() -> tuple[Case, ...]:
    """What the judge is shown, beside `wrong`."""
    return tuple(case_at(timeline, minute) for timeline, minute, _ in wrong())


def judged_otherwise() -> Iterator[str]:
    """Where the judge differs from the contract."""
    for (timeline, minute, all_wrong), case in zip(wrong(), cases(), strict=True):
        verdict = health.assess(case)
        problems = verdict.stale_problems if at(minute) >= case.stale_at else verdict.problems
        found = {Wrong(timeline.integration.integration_id, each.kind, each.severity.word) for each in problems}
        if found != all_wrong:
            facts = timeline.facts_at(timeline.seen_at(minute))
            yield f"minute {minute}, seed {SEED}: {sorted(found ^ all_wrong)}; {facts}"


# The three comparisons


@pytest.fixture(scope="module")
def samples() -> Samples:
    return scraped(timelines())


@pytest.fixture(scope="module")
def server(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    name = f'ALERTS{{alertname="{WORKSPACE_ALERT}",alertstate="firing",severity="critical"'
    alerts = {f'{name},workspace="{workspace}"}}': dict.fromkeys(held, 1.0) for workspace, held in outages().items()}
    with evaluated(tmp_path_factory.mktemp("timeline"), {**samples, **alerts}) as running:
        yield running


def write(rules: Mapping[str, Any], folder: Path) -> Path:
    folder.mkdir()
    for name, document in rules.items():
        (folder / name).write_text(yaml.safe_dump(document, width=10_000))
    return folder


def promtool_finds(folder: Path, samples: Samples, rules: Mapping[str, Any], until: int = MINUTES) -> str:
    fire: dict[int, list[tuple[str, Reported]]] = {minute: [] for minute in range(until)}
    for alert, held in expected().items():
        for each, when in held.items():
            for minute in firing(when, ALERTS[alert]) & fire.keys():
                fire[minute].append((alert, each))
    return fires(folder, samples, fire, write(rules, folder / "rules"))


def test_everything_that_can_be_wrong_is_drawn() -> None:
    seen = {(kind, severity) for _, _, all_wrong in wrong() for _, kind, severity in all_wrong}
    highest = {(kind, severity.word) for kind, severity in HIGHEST.items()}
    assert highest - seen == {one for one in highest if one[0] in LEARNED}, (
        "`wrong_at` in tests/timelines.py says when each kind holds"
    )
    assert set(KINDS) - set(HIGHEST) <= LEARNED
    fired = {alert for alert, held in expected().items() if any(firing(each, ALERTS[alert]) for each in held.values())}
    assert {kind for alert, kind in KIND_OF.items() if alert not in fired} == LEARNED
    assert outages()[OUTAGE]


def test_the_judge_says_what_the_contract_says() -> None:
    assert next(judged_otherwise(), None) is None


@pytest.mark.parametrize("alert", ALERTS)
def test_prometheus_says_what_the_judge_says(server: Prometheus, alert: str) -> None:
    assert differences(holds(server, ALERTS[alert]["expr"]), expected()[alert]) == []


def test_alerts_fire_as_long_as_the_rules_wait(samples: Samples, tmp_path: Path) -> None:
    found = promtool_finds(tmp_path, samples, shipped_rules())
    assert not found, f"seed {SEED}: {found[:2000]}"


# Broken on purpose


def silent(entry: Kind) -> Kind:
    return replace(entry, rule=lambda _: None)


def renamed(entry: Kind) -> Kind:
    return replace(entry, rule=changed(entry, lambda problem: replace(problem, kind=f"very_{problem.kind}")))


def softer(entry: Kind) -> Kind:
    return replace(entry, rule=changed(entry, lambda problem: replace(problem, severity=Severity.INFO)))


def louder(entry: Kind) -> Kind:
    return replace(entry, rule=changed(entry, lambda problem: replace(problem, severity=Severity.CRITICAL)))


def hiding_nothing(entry: Kind) -> Kind:
    return replace(entry, hides=(), hides_all=False)


def hiding_all(entry: Kind) -> Kind:
    return replace(entry, hides_all=True)


def changed(entry: Kind, change: Callable[[Problem], Problem]) -> Callable[[Case], Problem | None]:
    def rule(case: Case) -> Problem | None:
        problem = entry.rule(case)
        return None if problem is None else change(problem)

    return rule


WAYS = (silent, renamed, softer, louder, hiding_nothing, hiding_all)
ALWAYS_CRITICAL = {"config_error", "failing", "overdue", "stuck", "future_watermark", "success_too_old"}
BREAKABLE = [
    pytest.param(entry, way, id=f"{entry.name}-{way.__name__}")
    for entry in PROBLEMS
    for way in WAYS
    if entry.name not in LEARNED | {"stale"}
    and not (way is louder and entry.name in ALWAYS_CRITICAL)
    and not (way is hiding_nothing and not entry.hides and not entry.hides_all)
    and not (way is hiding_all and entry.hides_all)
]


def break_entry(monkeypatch: pytest.MonkeyPatch, entry: Kind, way: Callable[[Kind], Kind]) -> None:
    monkeypatch.setattr(health, "PROBLEMS", tuple(way(one) if one is entry else one for one in PROBLEMS))


@pytest.mark.parametrize(("entry", "way"), BREAKABLE)
def test_a_broken_entry_of_the_table_is_noticed(
    monkeypatch: pytest.MonkeyPatch, entry: Kind, way: Callable[[Kind], Kind]
) -> None:
    break_entry(monkeypatch, entry, way)
    assert next(judged_otherwise(), None)


@pytest.mark.parametrize("alert", [alert for alert, kind in KIND_OF.items() if kind not in LEARNED])
def test_a_rule_that_reads_another_kind_is_noticed(server: Prometheus, alert: str) -> None:
    kinds = [*KIND_OF.values()]
    other = kinds[kinds.index(KIND_OF[alert]) - 1]
    expr = ALERTS[alert]["expr"].replace(f'"{KIND_OF[alert]}"', f'"{other}"')
    assert differences(holds(server, expr), expected()[alert])


@pytest.mark.parametrize("kind", ["poll_failing", "stale"])
def test_a_rule_that_an_outage_does_not_hold_back_is_noticed(server: Prometheus, kind: str) -> None:
    (alert,) = (alert for alert in ALERTS if KIND_OF[alert] == kind)
    expr = ALERTS[alert]["expr"].partition("unless")[0]
    assert differences(holds(server, expr), expected()[alert])


def test_a_broken_entry_reaches_the_alerts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (entry,) = (entry for entry in PROBLEMS if entry.name == "overdue")
    break_entry(monkeypatch, entry, softer)
    found = promtool_finds(tmp_path, scraped(timelines()), shipped_rules(), until=QUICK)
    assert "BrazeCDISyncOverdue" in found


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("integration:braze_cdi_problem:max", "expr", "max without (job, instance) (braze_cdi_problem)"),
        ("BrazeCDISyncOverdue", "for", "4m"),
        ("BrazeCDISyncFailing", "keep_firing_for", "4m"),
    ],
)
def test_a_broken_rule_is_noticed_by_promtool(
    samples: Samples, tmp_path: Path, name: str, key: str, value: str
) -> None:
    broken = deepcopy(shipped_rules())
    (rule,) = (rule for rule in rules_of(broken.values()) if name in (rule.get("alert"), rule.get("record")))
    rule[key] = value
    assert promtool_finds(tmp_path, samples, broken, until=QUICK)
