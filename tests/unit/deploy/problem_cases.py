"""
Cases for promtool, made from a table: each kind of problem with the alert, the wait and the figures that it must have.

The words of an alert are read from its rule; where figures stand in them, and what they say, is written here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKED_AT = "25m"
_FIGURE = re.compile(r" ?\{\{- with .*?\{\{ end \}\}")


@dataclass(frozen=True)
class Kind:
    """
    A kind of problem.

    Args:
        alert: Its alert.
        severities: That it can have, info apart.
        wait: Minutes until it fires.
        figures: The samples that its text shows.
        sentences: How they read at *LOOKED_AT*, in the order of the text.

    """

    alert: str
    severities: tuple[str, ...]
    wait: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


_STREAK = {"problem_value": 3, "problem_limit": 1}
_STREAK_READS = (" Failures in a row: 3.", " Limit: 1.")
_RUNNING = {"problem_value": 1200, "problem_limit": 600}
_RUNNING_READS = (" Running for: 20m 0s.", " Limit: 10m 0s.")
_BLIND = {"last_poll_success_timestamp_seconds": 300}
_BLIND_READS = (" Last success: 20m 0s ago.",)
_IDLE = {"last_sync_start_timestamp_seconds": 300}
_IDLE_READS = (" Last sync: 20m 0s ago.",)
# With `alerts: no-page` a critical problem is a warning.
PAGE, TICKET = ("critical", "warning"), ("warning",)

KINDS = {
    "config_error": Kind("BrazeCDISyncConfigError", PAGE),
    "failing": Kind("BrazeCDISyncFailing", PAGE, 0, _STREAK, _STREAK_READS),
    "failed": Kind("BrazeCDISyncFailed", TICKET, 20, _STREAK, _STREAK_READS),
    "overdue": Kind(
        "BrazeCDISyncOverdue",
        PAGE,
        5,
        {"expected_run_timestamp_seconds": 300, "problem_value": 1180, "problem_limit": 900},
        (" Missing run: 1970-01-01 00:05 UTC.", " Waited: 19m 40s.", " Limit: 15m 0s."),
    ),
    "never_synced": Kind(
        "BrazeCDINeverSynced",
        TICKET,
        5,
        {"expected_run_timestamp_seconds": 300, "problem_value": 1480, "problem_limit": 1200},
        (" The first was expected 20m 0s ago.", " Watched for: 24m 40s.", " Limit: 20m 0s."),
    ),
    "unscheduled": Kind("BrazeCDIUnscheduled", TICKET, 15, _IDLE, _IDLE_READS),
    "paused": Kind("BrazeCDIIntegrationPaused", TICKET, 15, _IDLE, _IDLE_READS),
    "gone": Kind("BrazeCDIIntegrationGone", TICKET, 5),
    "stuck": Kind("BrazeCDISyncStuck", PAGE, 0, _RUNNING, _RUNNING_READS),
    "running_long": Kind(
        "BrazeCDISyncRunningLong",
        TICKET,
        0,
        {**_RUNNING, "usual_sync_duration_seconds": 240},
        (*_RUNNING_READS, " Usual: 4m 0s."),
    ),
    "slow": Kind(
        "BrazeCDISyncsSlow",
        TICKET,
        0,
        {
            "problem_value": 720,
            "problem_limit": 600,
            "usual_sync_duration_seconds": 240,
        },
        (" They took: 12m 0s.", " Limit for several in a row: 10m 0s.", " Usual: 4m 0s."),
    ),
    "rows_failed": Kind(
        "BrazeCDIRowsFailed",
        PAGE,
        5,
        {
            "last_sync_rows_failed_with_errors": 30,
            "last_sync_rows_synced": 90,
            "problem_value": 0.25,
            "problem_limit": 0.01,
            "last_sync_finish_timestamp_seconds": 300,
        },
        (
            " Failed: 30.",
            " Synced: 90.",
            " Share: 25%.",
            " Limit: 1%.",
            " Row errors can be read in Braze until: 1970-01-31.",
        ),
    ),
    "rows_low": Kind(
        "BrazeCDIRowsLow",
        PAGE,
        0,
        {"problem_value": 0, "problem_limit": 400, "usual_rows_synced": 1200},
        (" Latest: 0.", " Limit: 400.", " Usual: 1200."),
    ),
    "rows_high": Kind(
        "BrazeCDIRowsHigh",
        TICKET,
        0,
        {"problem_value": 12_000_000, "problem_limit": 4000, "usual_rows_synced": 1200},
        (" Latest: 12000000.", " Limit: 4000.", " Usual: 1200."),
    ),
    "behind": Kind(
        "BrazeCDIWatermarkBehind",
        PAGE,
        5,
        {"problem_value": 14400, "problem_limit": 7200},
        (" Age: 4h 0m 0s.", " Limit: 2h 0m 0s."),
    ),
    "future_watermark": Kind(
        "BrazeCDIWatermarkInFuture",
        PAGE,
        0,
        {"problem_value": 3600, "problem_limit": 300},
        (" Ahead by: 1h 0m 0s.", " Limit: 5m 0s."),
    ),
    "resynced": Kind(
        "BrazeCDIRowsSyncedAgain",
        TICKET,
        0,
        {
            "problem_value": 4,
            "problem_limit": 2,
            "last_sync_rows_synced": 50,
            "usual_rows_synced": 1200,
            "last_sync_lag_seconds": 14400,
        },
        (
            " Syncs in a row: 4.",
            " Limit: 2.",
            " Rows of the latest sync: 50.",
            " Usual: 1200.",
            " Age of the watermark at its finish: 4h 0m 0s.",
        ),
    ),
    "success_too_old": Kind(
        "BrazeCDISuccessTooOld",
        PAGE,
        5,
        {"problem_value": 1200, "problem_limit": 900},
        (" Age: 20m 0s.", " Limit: 15m 0s."),
    ),
    "unknown_status": Kind("BrazeCDISyncStatusUnknown", TICKET, 20),
    "poll_failing": Kind("BrazeCDIIntegrationPollsFailing", TICKET, 5, _BLIND, _BLIND_READS),
    "stale": Kind(
        "BrazeCDIIntegrationStale", PAGE, 10, {**_BLIND, "problem_limit": 600}, (*_BLIND_READS, " Limit: 10m 0s.")
    ),
}
"""The closed list of the contract."""


def cases(rules: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every case of every kind, for the alerts *rules*."""
    for problem, kind in KINDS.items():
        yield from _cases_of(problem, kind, rules[kind.alert])


def _cases_of(problem: str, kind: Kind, rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    alert, worst = kind.alert, kind.severities[0]
    early = {"eval_time": f"{kind.wait}m30s", "alertname": alert}
    began = "_ 1+0x40"

    def reported(name: str, values: str = began, *, severity: str = worst, exporter: str = "a") -> dict[str, str]:
        return _series("problem", values, name, exporter, f'problem="{problem}", severity="{severity}"')

    def figure(name: str, values: str, integration: str, exporter: str = "a") -> dict[str, str]:
        is_of_problem = name.startswith("problem_")
        return _series(name, values, integration, exporter, f'problem="{problem}"' if is_of_problem else "")

    def firing(*expected: Any) -> list[Any]:
        return [early, {"eval_time": LOOKED_AT, "alertname": alert, "exp_alerts": list(expected)}]

    both = [
        series
        for exporter in ("a", "b")
        for series in (
            reported("users", exporter=exporter),
            _series("up", "0+0x40", "users", exporter),
            {
                "series": f'braze_cdi_exporter_workspace_info{{job="braze-cdi-exporter", instance="{exporter}:10273", '
                'workspace="prod", dashboard_url="https://dashboard-03.braze.com"}',
                "values": "1+0x40",
            },
            _series("integration_info", "1+0x40", "users", exporter, 'integration_type="USER", team="crm"'),
            *(figure(name, f"{value}+0x40", "users", exporter) for name, value in kind.figures.items()),
        )
    ]
    yield _case(
        f"{alert} fires: two exporters report it, once, with team, figures and a link to Braze",
        both,
        alert_rule_test=firing(
            _expected(rule, problem, worst, "users", kind.sentences, dashboard=_DASHBOARD, team="crm")
        ),
    )
    yield _case(
        f"{alert} fires: nothing else is known, or not any more; with each severity",
        [
            *(reported(severity, severity=severity) for severity in kind.severities),
            reported("stale"),
            *(figure(name, f"{value}+0x20 stale", "stale") for name, value in kind.figures.items()),
        ],
        alert_rule_test=firing(
            *(_expected(rule, problem, severity, severity) for severity in kind.severities),
            _expected(rule, problem, worst, "stale"),
        ),
    )
    yield _case(
        f"{alert} stays silent: as info, and other kinds",
        [
            reported("users", severity="info"),
            *(
                _series("problem", began, "users", more=f'problem="{other}", severity="{KINDS[other].severities[0]}"')
                for other in KINDS
                if other != problem
            ),
        ],
        alert_rule_test=[{"eval_time": LOOKED_AT, "alertname": alert}],
    )
    yield _case(
        f"{alert} resolves: a restart without state does not end it, its end does",
        [reported("users", "1+0x22 stale _x2 1+0x2 stale")],
        alert_rule_test=[{"eval_time": "36m", "alertname": alert}],
        promql_expr_test=[
            {
                "eval_time": "28m30s",
                "expr": f'sum(count_over_time(ALERTS{{alertname="{alert}", alertstate="firing"}}[8m]))',
                "exp_samples": [{"labels": "{}", "value": 8}],
            }
        ],
    )


_DASHBOARD = "https://dashboard-03.braze.com/integrations/cloud_data_ingestion/id-of-users"


def _expected(
    rule: dict[str, Any],
    problem: str,
    severity: str,
    name: str,
    figures: tuple[str, ...] = (),
    *,
    dashboard: str = "",
    **more: str,
) -> Any:
    """Return the alert as it must arrive: the rule's words, and *figures* in the places that it has for them."""
    sentences = iter(figures)
    texts = {each: _FIGURE.sub(lambda _: next(sentences, ""), text) for each, text in rule["annotations"].items()}
    assert next(sentences, None) is None, "the text shows fewer figures than the table has"
    labels = {"workspace": "prod", "integration_id": f"id-of-{name}", "integration_name": name}
    return {
        "exp_labels": {**labels, "problem": problem, "severity": severity, **more},
        "exp_annotations": {each: _filled(text, labels) for each, text in texts.items()}
        | {"status_url": f"http://localhost:10273/integrations/prod/id-of-{name}", "dashboard_url": dashboard},
    }


def _filled(text: str, labels: Mapping[str, str]) -> str:
    text = re.sub(r"^\{\{ \$of := .*? -\}\}\s", "", text)
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)


def _series(metric: str, values: str, name: str, exporter: str = "a", more: str = "") -> dict[str, str]:
    labels = [
        f'job="braze-cdi-exporter", instance="{exporter}:10273", workspace="prod"',
        f'integration_id="id-of-{name}", integration_name="{name}"',
        *filter(None, [more]),
    ]
    return {"series": f"braze_cdi_{metric}{{{', '.join(labels)}}}", "values": values}


def _case(name: str, series: list[dict[str, str]], **expected: Any) -> dict[str, Any]:
    return {"name": name, "interval": "1m", "input_series": series, **expected}
