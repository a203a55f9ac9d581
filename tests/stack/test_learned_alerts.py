"""
What is learned from 60 days of past makes alerts arrive at the receiver, with value, limit and what is usual in their
texts: by the real exporter, Prometheus and Alertmanager, without any configuration of limits.
"""

import re
from collections.abc import Iterator
from time import time

import pytest

from tests.e2e.command import wait_for
from tests.stack.learned_stage import ROLES, WORKSPACE, LearnedStage, Role, learned_stage
from tests.stack.receiver import Message
from tools.dashboards.prometheus import Prometheus

LONGEST_SECONDS = 100.0
"""Until all alerts have arrived. It takes about half of that, most of it to read the past."""
WRONG = [role for role in ROLES if role.problem]
FIGURES = {
    "few": {"Latest": "problem_value", "Limit": "problem_limit", "Usual": "usual_rows_synced"},
    "many": {"Latest": "problem_value", "Limit": "problem_limit", "Usual": "usual_rows_synced"},
    "slow": {
        "They took": "problem_value",
        "Limit for several in a row": "problem_limit",
        "Usual": "usual_sync_duration_seconds",
    },
    "again": {
        "Syncs in a row": "problem_value",
        "Limit": "problem_limit",
        "Rows of the latest sync": "last_sync_rows_synced",
        "Usual": "usual_rows_synced",
    },
    "unscheduled": {},
}
"""Of each text, and the gauge that each figure is the value of."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearnedStage]:
    """All alerts have arrived, or the time for it is over."""
    with learned_stage(tmp_path_factory.mktemp("learned")) as built:
        prometheus = Prometheus(built.prometheus_url)
        wait_for(
            "something is learned of each",
            lambda: len(prometheus.now("braze_cdi_learned_syncs", time())) == len(ROLES),
            hint=lambda: prometheus.now("braze_cdi_learned_syncs", time()),
        )
        for role in WRONG:
            if not role.since:
                built.switch(role)
        wait_for(
            "all alerts have arrived",
            lambda: all(built.arrived(role) for role in WRONG),
            LONGEST_SECONDS,
            hint=lambda: prometheus.now("braze_cdi_problem", time()),
        )
        yield built


def message(stage: LearnedStage, role: Role) -> Message:
    return next(each for each in stage.inbox.messages if each.alert == (role.alert, WORKSPACE, role.name))


@pytest.mark.parametrize("role", WRONG, ids=lambda role: role.name)
def test_the_alert_names_value_limit_and_what_is_usual(stage: LearnedStage, role: Role) -> None:
    arrived = message(stage, role)
    text = arrived.annotations["description"]
    prometheus = Prometheus(stage.prometheus_url)
    for words, gauge in FIGURES[role.name].items():
        of = f'braze_cdi_{gauge}{{integration_name="{role.name}"}}[20s]'
        # More of the past may be learned meanwhile.
        least, most = (prometheus.now(f"{edge}_over_time({of})", arrived.at)[0]["value"][1] for edge in ("min", "max"))
        found = re.search(rf" {words}: ([^.]+)\.", text)
        assert found, text
        assert float(least) - 1 <= _read(found[1]) <= float(most) + 1, text


def _read(figure: str) -> float:
    """Read a number, or a duration such as `8m 20s`."""
    seconds = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([hms])", figure)
    return sum(int(number) * seconds[unit] for number, unit in parts) if parts else float(figure)


def test_a_tenth_of_the_rows_arrives_below_its_learned_limit(stage: LearnedStage) -> None:
    (few,) = (role for role in WRONG if role.name == "few")
    text = message(stage, few).annotations["description"]
    found = re.search(r"Latest: (\d+)\. Limit: (\d+)\. Usual: (\d+)\.", text)
    assert found, text
    rows, limit, usual = map(int, found.groups())
    assert 180 <= rows <= 220
    assert 1800 <= usual <= 2200
    assert rows < limit < usual


def test_no_other_alert_arrives(stage: LearnedStage) -> None:
    assert {(each.alert.name, each.alert.integration) for each in stage.inbox.messages} == {
        (role.alert, role.name) for role in WRONG
    }
