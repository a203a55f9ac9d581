"""
One integration in depth: what its latest sync did, how that compares with the past, and what comes next.

The integration is chosen by name; its id is what the queries use. Limits drawn here are those by which the exporter
judges it.
"""

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import style
from deploy.grafana.source.frame import (
    BRAZE_PAGE,
    FLEET_UID,
    INTEGRATION_UID,
    STATUS_PAGE,
    Annotation,
    Band,
    dashboard_link,
    make_dashboard,
    variable_query,
)
from deploy.grafana.source.integration_past import past_bands
from deploy.grafana.source.parts import SOURCE, Look, Query, stats, timeline
from deploy.grafana.source.queries import (
    FLEET,
    ONE,
    I,
    braze_page,
    increase,
    latest,
    severity,
    since,
    until,
    while_problem,
)
from deploy.grafana.source.table import Column, table
from deploy.grafana.source.words import PROBLEMS

_ID = "integration_id"
_WIDTH = 1450


def integration() -> model.Dashboard:
    failed = increase(
        "braze_cdi_syncs_total", f'{ONE}, status=~"error|config_error|limit_exceeded"', "$__rate_interval"
    )
    return make_dashboard(
        INTEGRATION_UID,
        title="Braze CDI / Integration",
        description="One integration of Braze Cloud Data Ingestion in depth.",
        bands=[
            Band(4, _now()),
            Band(4, [(24, _moments())]),
            Band(4, [(24, _against_limits())]),
            Band(4, [(24, _properties())]),
            Band(4, [(24, _status())]),
            Band(6, [(24, _problems())]),
            *past_bands(),
        ],
        variables=[_chosen()],
        links=[dashboard_link("Fleet", FLEET_UID, "All integrations, problems first")],
        annotations=[Annotation("Failed sync", "{{integration_name}}", f"{failed} > 0", style.CRITICAL)],
    )


def _chosen() -> model.VariableModel:
    """The integrations of the chosen workspaces: shown by name and workspace, used by id."""
    names = f"group by ({I}) (braze_cdi_integration_info{{{FLEET}}})"
    text = f'label_join({names}, "text", " · ", "integration_name", "workspace")'
    return model.VariableModel(
        type_val=model.VariableType.QUERY,
        name="integration",
        label="Integration",
        description="By name and workspace; the queries use its id.",
        datasource=SOURCE,
        query=variable_query(f"query_result({text})"),
        regex='/integration_id="(?<value>[^"]+)".*text="(?<text>[^"]+)"/',
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
        multi=False,
        include_all=False,
    )


def _now() -> list[tuple[int, model.Panel]]:
    def one(title: str, description: str, look: Look, expr: str) -> tuple[int, model.Panel]:
        return 4, stats(title, description, look, Query(expr))

    return [
        one(
            "Problem",
            "The worst problem of this integration.",
            Look("none", words=style.SEVERITY),
            severity(ONE),
        ),
        one(
            "Latest sync",
            "Status of the latest sync, a running one included.",
            Look("none", words=style.STATUS, no_value="no sync yet"),
            latest("integration:braze_cdi_last_sync_status:code", ONE),
        ),
        one(
            "Failures in a row",
            "How many of the latest finished syncs ended with error, config_error or limit_exceeded.",
            Look("none", decimals=0, no_value="no sync yet"),
            latest("braze_cdi_consecutive_failed_syncs", ONE),
        ),
        one(
            "Since last success",
            "Since the finish of the latest sync that was fully successful.",
            Look("s", decimals=1, no_value="none known"),
            since("braze_cdi_last_success_timestamp_seconds", ONE),
        ),
        one(
            "Watermark behind",
            "How old the latest row in Braze is, by its UPDATED_AT. Red and negative: it lies in the future, and Braze"
            " skips every row dated before it. Files in S3 have none.",
            Look("s", decimals=1, limits=style.LAG, no_value="none"),
            latest("braze_cdi_last_timestamp_synced_lag_seconds", ONE),
        ),
        one(
            "Overdue",
            "How long ago the expected sync had to start at the latest.",
            Look("s", decimals=1, limits=style.BAD, no_value="on time"),
            while_problem(since("braze_cdi_start_deadline_timestamp_seconds", ONE), "overdue", ONE),
        ),
    ]


def _moments() -> model.Panel:
    ago = {
        "Since start": "braze_cdi_last_sync_start_timestamp_seconds",
        "Since finish": "braze_cdi_last_sync_finish_timestamp_seconds",
        "Since success": "braze_cdi_last_success_timestamp_seconds",
        "Since last poll": "braze_cdi_last_poll_timestamp_seconds",
    }
    ahead = {
        "Expected sync in": "braze_cdi_expected_run_timestamp_seconds",
        "By Braze in": "braze_cdi_next_scheduled_run_timestamp_seconds",
        "Deadline in": "braze_cdi_start_deadline_timestamp_seconds",
    }
    asked = {name: since(metric, ONE, _ID) for name, metric in ago.items()}
    asked |= {name: until(metric, ONE, _ID) for name, metric in ahead.items()}
    return _one_row(
        "When",
        "How long ago the latest sync did what, and what comes next: the oldest announced or usual run that no sync has"
        " met, else the next one. Negative: its time has passed. Empty: unknown, or there is none.",
        {name: (expr, Look("s", decimals=1)) for name, expr in asked.items()},
    )


def _against_limits() -> model.Panel:
    seconds, rows, share, number = (
        Look("s", decimals=1),
        Look("locale", decimals=0),
        Look("percentunit", decimals=1),
        Look("none", decimals=0),
    )
    columns = {
        "Duration": ("last_sync_duration_seconds", seconds),
        "Usual": ("usual_sync_duration_seconds", seconds),
        "Limit": ("sync_duration_limit_seconds", seconds),
        "Rows": ("last_sync_rows_synced", rows),
        "Usual rows": ("usual_rows_synced", rows),
        "From": ("rows_synced_lower_limit", rows),
        "To": ("rows_synced_upper_limit", rows),
        "Failed rows": ("last_sync_failed_rows_ratio", share),
        "Limit of it": ("failed_rows_ratio_limit", share),
        "Lag": ("last_sync_lag_seconds", seconds),
        "Limit of lag": ("last_timestamp_synced_lag_limit_seconds", seconds),
        "Failures": ("consecutive_failed_syncs", number),
        "Allowed": ("consecutive_failed_syncs_limit", number),
    }
    return _one_row(
        "Latest finished sync against usual and limit",
        "Each value is followed by what is usual and by its limit. Empty: not known, or off.",
        {name: (latest(f"braze_cdi_{metric}", ONE, _ID), look) for name, (metric, look) in columns.items()},
    )


def _one_row(title: str, description: str, columns: dict[str, tuple[str, Look]]) -> model.Panel:
    """Values that keep their size and place, however many of them are known."""
    width = _WIDTH // len(columns)  # else the last ones may be out of the panel
    shown = [Column(name, expr=expr, look=look, width=width) for name, (expr, look) in columns.items()]
    return table(title, description, [Column("Id", label=_ID, out_of_sight=True), *shown], sort=next(iter(columns)))


def _status() -> model.Panel:
    return timeline(
        "Latest sync over time",
        "Status of the latest sync. Syncs that are shorter than the scrape interval may not be seen running.",
        Look("none", words=style.STATUS),
        Query(latest("integration:braze_cdi_last_sync_status:code", ONE), legend="sync"),
    )


def _problems() -> model.Panel:
    return timeline(
        "Problems",
        "What the exporter reports as wrong, and how bad it is. Click a span for what the runbook says.",
        Look("none", words=style.PROBLEM, no_value="no problem in the time shown", named=PROBLEMS),
        Query(severity(ONE, "problem"), legend="{{problem}}"),
    )


def _row_errors_until() -> str:
    """Milliseconds, as Grafana's dates are; no value unless rows failed in the 30 days that Braze keeps them."""
    kept = f"{latest('braze_cdi_last_sync_finish_timestamp_seconds', ONE)} + 30 * 86400 > time()"
    return f"({kept}) * 1000 and {latest('braze_cdi_last_sync_rows_failed_with_errors', ONE)} > 0"


def _properties() -> model.Panel:
    return table(
        "Properties",
        "What Braze says about the integration, how many past syncs its learned limits rest on, and the labels that the"
        " exporter's configuration gives it. Click the id for the exporter's status page.",
        [
            Column("Integration", label="integration_name"),
            Column("Workspace", label="workspace", width=110),
            Column("Integration id", label="integration_id", width=320, look=Look("string", links=[STATUS_PAGE])),
            Column("Braze", label="braze", width=60, word="open", look=Look("string", links=[BRAZE_PAGE])),
            Column("Page in Braze", expr=braze_page(f"braze_cdi_integration_info{{{ONE}}}"), hidden=True),
            Column("Status in Braze", label="integration_status", width=115),
            Column("Type", label="integration_type", width=95),
            Column("Warehouse", label="warehouse_type", width=95),
            # The rest comes from the configuration.
            Column(
                "Info",
                expr=f"group without (instance, job) (topk(1, braze_cdi_integration_info{{{ONE}}}))",
                hidden=True,
            ),
            Column(
                "Status",
                expr=f"topk(1, max by ({I}, integration_status) (braze_cdi_integration_status{{{ONE}}}))",
                hidden=True,
            ),
            Column("Row errors in Braze until", expr=_row_errors_until(), look=Look("dateTimeAsIso"), width=180),
            Column(
                "Learned syncs",
                expr=latest("braze_cdi_learned_syncs", ONE),
                look=Look("locale", decimals=0),
                width=120,
            ),
            Column("App group", label="app_group_id", width=150),
            Column("Team", label="team", width=75),
        ],
        sort="Integration",
    )
