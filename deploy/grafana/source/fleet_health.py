"""
The overview's lower half: the way to Braze (limits, keys, answers) and the exporters themselves.

It answers whether the upper half can be trusted, and what to do when it cannot.
"""

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import style
from deploy.grafana.source.frame import Band, Heading
from deploy.grafana.source.parts import Look, Query, bars, lines, link
from deploy.grafana.source.queries import FLEET, JOB, added, latest
from deploy.grafana.source.table import Column, table

_OWN = "braze_cdi_exporter_"
_STATUS_PAGE = link("Status page", "${exporter}/?workspace=${__value.raw:percentencode}", new_tab=True)


def way_to_braze_bands() -> list[Heading | Band]:
    return [
        Heading("The way to Braze"),
        Band(7, [(24, _workspaces())]),
        Band(8, [(12, _budget()), (12, _requests())]),
        Band(8, [(12, _failed_polls()), (12, _answer_times())]),
    ]


def exporter_bands() -> list[Heading | Band]:
    return [
        Heading("The exporter"),
        Band(6, [(24, _exporters())]),
        Band(7, [(8, _processor()), (8, _memory()), (8, _losses())]),
    ]


def _workspaces() -> model.Panel:
    def own(metric: str, labels: str = FLEET) -> str:
        return latest(f"{_OWN}{metric}", labels, "workspace")

    failures = f"increase({_OWN}poll_failures_total{{{FLEET}}}[15m])"
    return table(
        "Workspaces",
        "How well each workspace can be watched. Not polled: the share of integrations whose latest poll failed.",
        [
            Column("Workspace", label="workspace", look=Look("string", links=[_STATUS_PAGE])),
            Column(
                "Not polled",
                expr=latest("workspace:braze_cdi_down:ratio", FLEET, "workspace"),
                look=Look("percentunit", decimals=0, limits=style.FAILING_POLLS),
                width=95,
            ),
            Column(
                "Polls failing, 15 min",
                expr=latest("workspace:braze_cdi_exporter_poll_failures:ratio_increase15m", FLEET, "workspace"),
                look=Look("percentunit", decimals=0, limits=style.FAILING_POLLS),
                width=150,
            ),
            Column("Most frequent reason", label="reason", width=170),
            Column(
                "Reasons",
                expr=f"topk by (workspace) (1, sum by (workspace, reason) ({failures}) > 0)",
                hidden=True,
            ),
            Column("Polled every", expr=own("poll_interval_seconds"), look=Look("s", decimals=1), width=105),
            Column(
                "Configured",
                expr=own("integrations", f'source="config", {FLEET}'),
                look=Look("none", decimals=0),
                width=95,
            ),
            Column(
                "Discovered",
                expr=own("integrations", f'source="discovery", {FLEET}'),
                look=Look("none", decimals=0),
                width=100,
            ),
            Column("Not watched", expr=own("unwatched_integrations"), look=Look("none", decimals=0), width=105),
            Column("History read", expr=own("history_read_ratio"), look=Look("percentunit", decimals=0), width=105),
            Column("Clock differs", expr=own("clock_skew_seconds"), look=Look("s", decimals=1), width=110),
            Column(
                "List age",
                expr=f"time() - {own('discovery_last_success_timestamp_seconds')}",
                look=Look("s", decimals=1),
                width=90,
            ),
            Column(
                "Waits for budget",
                expr=f"sum by (workspace) (rate({_OWN}throttled_seconds_total{{{FLEET}}}[15m]))",
                look=Look("percentunit", decimals=0),
                width=135,
            ),
        ],
        sort="Not polled",
    )


def _budget() -> model.Panel:
    left = "workspace_endpoint:braze_cdi_exporter_api_rate_limit_remaining:ratio_avg10m"
    used = (
        f"60 * sum by (workspace) (rate({_OWN}api_requests_total{{{FLEET}}}[$__rate_interval]))"
        f" / sum by (workspace) ({_OWN}api_rate_limit{{{FLEET}}} > 0)"
    )
    return lines(
        "Rate limit left, and used by us",
        "Share of Braze's limit that is left over ten minutes, at the endpoint where it is least (solid), and that our"
        " own requests take (dashed). Much less left than we use: something else uses this workspace's limit. Left is"
        " not known while hardly anything is asked. Red: BrazeCDIBudgetLow.",
        Look("percentunit", decimals=0, limits=style.BUDGET, least=0, most=1),
        Query(
            f"min by (workspace) ({left}{{{FLEET}}})",
            legend="left: {{workspace}}",
        ),
        Query(used, legend="used: {{workspace}}", dashed=True),
        area=True,
        many=True,
    )


def _requests() -> model.Panel:
    return bars(
        "Requests a minute, by Braze's answer",
        "429: throttled. 401: key rejected. 403: permission missing. error: no answer came.",
        Look(
            "reqpm",
            least=0,
            colours={
                "200": style.OK,
                "429": style.WARNING,
                **dict.fromkeys(("401", "403", "404", "500", "502", "503", "504", "error"), style.CRITICAL),
            },
        ),
        Query(
            f"60 * sum by (code) (rate({_OWN}api_requests_total{{{FLEET}}}[$__rate_interval]))",
            legend="{{code}}",
            step="1m",
        ),
    )


def _failed_polls() -> model.Panel:
    return bars(
        "Failed polls by reason",
        "The runbook tells what to do about each reason. No bar: no poll failed.",
        Look("none", decimals=0, least=0, shade=style.CRITICAL, no_value="no poll failed in the time shown"),
        Query(
            f"sum by (reason) (increase({_OWN}poll_failures_total{{{FLEET}}}[$__rate_interval])) > 0",
            legend="{{reason}}",
            step="1m",
        ),
    )


def _answer_times() -> model.Panel:
    seconds = f"{_OWN}api_request_duration_seconds"
    by = "by (workspace)"
    return lines(
        "How long Braze takes to answer",
        "The 95th percentile (solid) and the mean (dashed) of our requests, failed ones included.",
        Look("s", least=0),
        Query(
            f"histogram_quantile(0.95, sum by (le, workspace) (rate({seconds}_bucket{{{FLEET}}}[$__rate_interval])))",
            legend="95 %: {{workspace}}",
            step="1m",
        ),
        Query(
            f"sum {by} (rate({seconds}_sum{{{FLEET}}}[$__rate_interval]))"
            f" / (sum {by} (rate({seconds}_count{{{FLEET}}}[$__rate_interval])) > 0)",
            legend="mean: {{workspace}}",
            step="1m",
            dashed=True,
        ),
        many=True,
    )


def _exporters() -> model.Panel:
    def of(metric: str) -> str:
        return f"max by (instance) ({metric}{{{JOB}}})"

    return table(
        "Exporters",
        "Every target of the scrape job braze-cdi-exporter. Several may watch the same workspaces, or each its own.",
        [
            Column("Target", label="instance"),
            Column("Answers", expr=of("up"), look=Look("none", words=style.TARGET), filled=True, width=100),
            Column("Version", label="version", width=120),
            Column("Build", expr=f"max by (instance, version) ({_OWN}build_info{{{JOB}}})", hidden=True),
            Column(
                "Configuration",
                expr=of(f"{_OWN}config_last_reload_successful"),
                look=Look("none", words=style.LOADED),
                width=130,
            ),
            Column(
                "In effect for",
                expr=f"time() - {of(f'{_OWN}config_last_reload_success_timestamp_seconds')}",
                look=Look("s", decimals=1),
            ),
            Column(
                "State",
                expr=of(f"{_OWN}state_persistent"),
                look=Look("none", words=style.PERSISTENT),
                width=110,
            ),
            Column("Runs for", expr=f"time() - {of('process_start_time_seconds')}", look=Look("s", decimals=1)),
            Column("Scrape takes", expr=of("scrape_duration_seconds"), look=Look("s"), width=120),
        ],
        sort="Answers",
        descending=False,
    )


def _processor() -> model.Panel:
    return lines(
        "Processor",
        "Share of one processor core that each exporter uses.",
        Look("percentunit", decimals=1, least=0),
        Query(f"max by (instance) (rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval]))", legend="{{instance}}"),
    )


def _memory() -> model.Panel:
    return lines(
        "Memory",
        "Resident memory of each exporter.",
        Look("bytes", least=0),
        Query(f"max by (instance) (process_resident_memory_bytes{{{JOB}}})", legend="{{instance}}"),
    )


def _losses() -> model.Panel:
    def of_all(increases: str) -> str:
        return f"sum({increases}) or vector(0)"

    gaps = added("workspace:braze_cdi_exporter_history_gaps:increase5m", FLEET, "$__interval")
    anomalies = f"increase({_OWN}payload_anomalies_total{{{FLEET}}}[$__rate_interval])"
    writes = f"increase({_OWN}state_write_failures_total{{{JOB}}}[$__rate_interval])"
    return bars(
        "Worked around",
        "History gaps: syncs that may be missing from the counters. Odd values: what Braze should not have sent."
        " Writes: the state that could not be saved.",
        Look("none", decimals=0, least=0),
        Query(of_all(gaps), legend="history gaps", colour=style.CRITICAL, step="5m"),
        Query(of_all(anomalies), legend="odd values", colour=style.WARNING, step="5m"),
        Query(of_all(writes), legend="failed writes", colour=style.WORST, step="5m"),
    )
