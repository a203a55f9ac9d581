"""
The parts of PromQL that panels share.

Two exporters may watch the same Braze, and an alert may be pending and firing in the same second: every query
aggregates to one series per integration, workspace or exporter. What is wrong with an integration is what the exporter
says, `braze_cdi_problem`; nothing is judged here. A value that is not there is absent; where a panel is better
off with 0, the query says so.
"""

from exporter.domain.dashboard import INTEGRATION_PATH

I = "workspace, integration_id, integration_name"  # noqa: E741 - the contract's own short name for these three labels
FLEET = 'workspace=~"$workspace"'
WORST = f'{FLEET}, integration_id=~"$worst"'
"""Those of the table, which Prometheus finds once for all columns: a browser cannot show thousands."""
IN_TROUBLE = f'{FLEET}, integration_id=~"$in_trouble"'
"""Those of the timeline."""
ONE = 'workspace=~"$workspace", integration_id="$integration"'
JOB = 'job="braze-cdi-exporter"'
"""The alerts find the exporter by this name too."""

# Prometheus has a series ALERTS for each alert that is pending or firing, and none for others.
ALL_ALERTS = 'alertname=~"BrazeCDI.+", workspace=~"$workspace|"'
"""Those about exporters have no workspace."""
OTHER_ALERTS = f'{ALL_ALERTS}, integration_id=""'


def latest(metric: str, labels: str, by: str = I) -> str:
    """
    One series per integration (or *by*), whichever exporter knows most.

    Tables need this for recorded series too: their names would be one label more, and no row would find another.
    """
    return f"max by ({by}) ({metric}{{{labels}}})"


def since(metric: str, labels: str, by: str = I) -> str:
    """Seconds from a moment until now."""
    return f"time() - {latest(metric, labels, by)}"


def until(metric: str, labels: str, by: str = I) -> str:
    """Seconds from now until a moment; negative once it has passed."""
    return f"{latest(metric, labels, by)} - time()"


def increase(metric: str, labels: str, window: str, *more: str) -> str:
    """What was added in *window*. Each exporter counts for itself, so two of them count the same syncs."""
    return f"max by ({', '.join([I, *more])}) (increase({metric}{{{labels}}}[{window}]))"


def added(recorded: str, labels: str, window: str) -> str:
    """What was added in *window*, by a rule that records once a minute what was added in five."""
    return f"sum_over_time({recorded}{{{labels}}}[{window}]) / 5"


def by_day(metric: str, labels: str, *more: str) -> str:
    """What was added in each day, asked for at its first second; of today so far."""
    return increase(metric, labels, "1d", *more).replace("[1d]", "[1d] offset -1d")


def count(series: str) -> str:
    """How many series, 0 where there is none."""
    return f"count({series}) or vector(0)"


CRITICAL, WARNING, NOT_INFO = 'severity="critical"', 'severity="warning"', 'severity!="info"'


def problems(labels: str, severity: str, by: str = I) -> str:
    """What the exporter reports as wrong, of one severity."""
    return f"group by ({by}) (braze_cdi_problem{{{labels}, {severity}}})"


def severity(labels: str, by: str = I) -> str:
    """How bad the problems of each integration are: 2 critical, 1 warning, 0 none but what is only info."""
    everything = "braze_cdi_integration_info" if by == I else "braze_cdi_problem"
    return (
        f"2 * {problems(labels, CRITICAL, by)} or 1 * {problems(labels, WARNING, by)}"
        f" or 0 * group by ({by}) ({everything}{{{labels}}})"
    )


def braze_page(series: str, by: str = I) -> str:
    """Each integration's page in Braze's dashboard, as the label `braze`; no series where that is not known."""
    dashboards = f'max by (workspace, dashboard_url) (braze_cdi_exporter_workspace_info{{{FLEET}, dashboard_url!=""}})'
    known = (
        f"group by ({by}) ({series}) * on (workspace) group_left (dashboard_url) topk by (workspace) (1, {dashboards})"
    )
    path = f'label_replace({known}, "path", "{INTEGRATION_PATH}", "", "")'
    return f'max by ({by}, braze) (label_join({path}, "braze", "", "dashboard_url", "path", "integration_id"))'


def while_problem(value: str, kind: str, labels: str) -> str:
    """A value that means something only while the integration has a problem of one kind."""
    return f'{value} and on (workspace, integration_id) braze_cdi_problem{{{labels}, problem="{kind}"}}'
