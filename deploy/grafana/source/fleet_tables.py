"""The overview's tables: alerts, and the integrations that are worst off."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import style
from deploy.grafana.source.frame import BRAZE_PAGE, HANDED_OVER, INTEGRATION_UID, STATUS_PAGE
from deploy.grafana.source.parts import Look, link
from deploy.grafana.source.queries import (
    ALL_ALERTS,
    WORST,
    I,
    braze_page,
    latest,
    severity,
    since,
    until,
    while_problem,
)
from deploy.grafana.source.table import Column, table
from deploy.grafana.source.words import ALERTS, RUNBOOK

_OPEN = link(
    "Open this integration",
    f'/d/{INTEGRATION_UID}?var-integration=${{__data.fields["Integration id"]}}&{HANDED_OVER}',
)
_RUNBOOK = link("Runbook", RUNBOOK, new_tab=True)
_IN_BRAZE = Column("Braze", label="braze", width=65, word="open", look=Look("string", links=[BRAZE_PAGE]))
_ID = Column("Integration id", label="integration_id", out_of_sight=True)
_TEXTS = {
    "firing": "What Prometheus has found, latest first, at most fifty.",
    "pending": "What has not lasted long enough to tell anybody, latest first, at most fifty.",
}


def alerts(state: str) -> model.Panel:
    """Alerts that are *state*: firing or pending."""
    labels = "alertname, severity, team, workspace, integration_name, integration_id"
    shown = (
        f"bottomk(50, time() - max by ({labels}) (ALERTS_FOR_STATE{{{ALL_ALERTS}}})"
        f' and on ({labels}) max by ({labels}) (ALERTS{{{ALL_ALERTS}, alertstate="{state}"}}))'
    )
    of_integrations = shown.replace(ALL_ALERTS, f'{ALL_ALERTS}, integration_id!=""')
    return table(
        f"{state.capitalize()} alerts",
        f"{_TEXTS[state]} Click the severity for the exporter's status page.",
        [
            Column("Alert", label="alertname", names=ALERTS, width=220, look=Look("string", links=[_RUNBOOK])),
            Column("Severity", label="severity", width=85, look=Look("string", links=[STATUS_PAGE])),
            Column("For", expr=shown, look=Look("s", decimals=1), width=105),
            Column("Integration", label="integration_name", look=Look("string", links=[_OPEN])),
            Column("Workspace", label="workspace", width=130),
            Column("Team", label="team", width=90),
            _IN_BRAZE,
            Column("Page in Braze", expr=braze_page(of_integrations, labels), hidden=True),
            _ID,
        ],
        sort="For",
        descending=False,
    )


def integrations() -> model.Panel:
    status = f"topk by ({I}) (1, max by ({I}, integration_status) (braze_cdi_integration_status{{{WORST}}}))"
    in_seconds = Look("s", decimals=1)
    return table(
        "Integrations",
        "The worst hundred integrations; the status page lists all. Click a name for its own dashboard, the problem for"
        " its status page. An empty cell: not known, or none.",
        [
            Column("Integration", label="integration_name", look=Look("string", links=[_OPEN])),
            Column("Workspace", label="workspace", width=120),
            Column("Team", label="team", width=80),
            Column(
                "Problem",
                expr=severity(WORST),
                look=Look("none", words=style.SEVERITY, links=[STATUS_PAGE]),
                width=80,
                filled=True,
            ),
            Column(
                "Latest sync",
                expr=latest("integration:braze_cdi_last_sync_status:code", WORST),
                look=Look("none", words=style.STATUS),
                width=115,
                filled=True,
            ),
            Column(
                "Failures",
                expr=latest("braze_cdi_consecutive_failed_syncs", WORST),
                look=Look("none", decimals=0),
                width=80,
            ),
            Column(
                "Failed rows",
                expr=latest("braze_cdi_last_sync_failed_rows_ratio", WORST),
                look=Look("percentunit", decimals=1),
                width=95,
            ),
            Column(
                "Since success",
                expr=since("braze_cdi_last_success_timestamp_seconds", WORST),
                look=in_seconds,
                width=115,
            ),
            Column(
                "Watermark behind",
                expr=latest("braze_cdi_last_timestamp_synced_lag_seconds", WORST),
                look=Look("s", decimals=1, limits=style.LAG),
                width=140,
            ),
            Column(
                "Next sync in",
                expr=f"{until('braze_cdi_expected_run_timestamp_seconds', WORST)} > 0",
                look=in_seconds,
                width=105,
            ),
            Column(
                "Overdue",
                expr=while_problem(since("braze_cdi_start_deadline_timestamp_seconds", WORST), "overdue", WORST),
                look=Look("s", decimals=1, limits=style.BAD),
                width=90,
            ),
            Column(
                "Since poll",
                expr=since("braze_cdi_last_poll_success_timestamp_seconds", WORST),
                look=in_seconds,
                width=95,
            ),
            Column("In Braze", label="integration_status", width=85),
            Column("Status", expr=status, hidden=True),
            Column("Owner", expr=f"group by ({I}, team) (braze_cdi_integration_info{{{WORST}}})", hidden=True),
            _IN_BRAZE,
            Column("Page in Braze", expr=braze_page(f"braze_cdi_integration_info{{{WORST}}}"), hidden=True),
            _ID,
        ],
        sort="Problem",
    )
