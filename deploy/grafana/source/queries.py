"""
The parts of PromQL that panels share.

Two exporters may watch the same Braze, and an alert may be pending and firing in the same second: every query
aggregates to one series per integration, workspace or exporter. What alerts need as well is a recording rule of
`deploy/prometheus/rules` and is named, not written again. A value that is not there is absent; where a panel is better
off with 0, the query says so.
"""

I = "workspace, integration_id, integration_name"  # noqa: E741 - the contract's own short name for these three labels
FLEET = 'workspace=~"$workspace"'
ONE = 'workspace=~"$workspace", integration_id="$integration"'
JOB = 'job="braze-cdi-exporter"'
"""The alerts find the exporter by this name too."""

# Prometheus has a series ALERTS for each alert that is pending or firing, and none for others.
ALL_ALERTS = 'alertname=~"BrazeCDI.+", workspace=~"$workspace|"'
"""Those about exporters have no workspace."""
INTEGRATION_ALERTS = f'alertname=~"BrazeCDI.+", integration_id!="", {FLEET}'
OTHER_ALERTS = f'{ALL_ALERTS}, integration_id=""'


def newest(metric: str, labels: str, by: str = I) -> str:
    """
    One series per integration (or *by*), whichever exporter knows most.

    Tables need this for recorded series too: their names would be one label more, and no row would find another.
    """
    return f"max by ({by}) ({metric}{{{labels}}})"


def since(metric: str, labels: str) -> str:
    """Seconds from a moment until now."""
    return f"time() - {newest(metric, labels)}"


def moment(metric: str, labels: str) -> str:
    """A moment in milliseconds, as Grafana's units for dates want it."""
    return f"1000 * {newest(metric, labels)}"


def increase(metric: str, labels: str, window: str, *more: str) -> str:
    """What was added in *window*. Each exporter counts for itself, so two of them count the same syncs."""
    return f"max by ({', '.join([I, *more])}) (increase({metric}{{{labels}}}[{window}]))"


def by_day(metric: str, labels: str, *more: str) -> str:
    """What was added in each day, asked for at its first second; of today so far."""
    return increase(metric, labels, "1d", *more).replace("[1d]", "[1d] offset -1d")


def count(series: str) -> str:
    """How many series, 0 where there is none."""
    return f"count({series}) or vector(0)"


def severity(selection: str, integrations: str) -> str:
    """How bad the alerts of each integration are, pending ones included: 2 critical, 1 less, 0 none."""
    return (
        f'2 * group by ({I}) (ALERTS{{{selection}, severity="critical"}})'
        f" or 1 * group by ({I}) (ALERTS{{{selection}}})"
        f" or 0 * group by ({I}) (braze_cdi_integration_info{{{integrations}}})"
    )
