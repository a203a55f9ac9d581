"""
The overview tells whether anything is wrong, where, and whether the exporter can see at all.

Problems come first: what counts as one is decided by the exporter alone, with the limits of each integration. A
problem shows at once; it need not have lasted long enough for its alert to fire.
"""

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import style
from deploy.grafana.source.fleet_health import exporter_bands, way_to_braze_bands
from deploy.grafana.source.fleet_tables import alerts, integrations
from deploy.grafana.source.frame import (
    FLEET_UID,
    INTEGRATION_UID,
    Annotation,
    Band,
    Heading,
    chosen_ids,
    dashboard_link,
    make_dashboard,
)
from deploy.grafana.source.parts import Look, Query, bars, ranking, stats, timeline
from deploy.grafana.source.queries import (
    CRITICAL,
    FLEET,
    IN_TROUBLE,
    NOT_INFO,
    OTHER_ALERTS,
    WARNING,
    I,
    added,
    count,
    latest,
    problems,
    severity,
)
from deploy.grafana.source.words import PROBLEMS

_RUNNING = f'{FLEET}, status="running"'
_COUNTED_BY_KIND = f"count by (problem) ({problems(FLEET, NOT_INFO, f'{I}, problem')})"


def fleet() -> model.Dashboard:
    return make_dashboard(
        FLEET_UID,
        title="Braze CDI / Fleet",
        description="All integrations of Braze Cloud Data Ingestion, problems first.",
        bands=[
            Band(4, _counts()),
            Band(9, [(8, _kinds()), (16, alerts("firing"))]),
            Band(5, [(24, alerts("pending"))]),
            Band(13, [(24, integrations())]),
            Band(9, [(24, _timeline())]),
            Band(8, [(24, _kinds_over_time())]),
            Heading("Syncs and rows"),
            Band(8, [(12, _syncs()), (12, _rows())]),
            *way_to_braze_bands(),
            *exporter_bands(),
        ],
        variables=[
            chosen_ids("worst", "The hundred worst integrations.", f"topk(100, {severity(FLEET)})"),
            chosen_ids(
                "in_trouble",
                "Twenty integrations that had a problem in the time shown.",
                f"topk(20, max by (workspace, integration_id)"
                f" (last_over_time(braze_cdi_problem{{{FLEET}, {NOT_INFO}}}[$__range])))",
            ),
        ],
        links=[dashboard_link("One integration", INTEGRATION_UID, "One integration in depth")],
        annotations=[_failures()],
    )


def _counts() -> list[tuple[int, model.Panel]]:
    def one(title: str, description: str, limits: style.Limits, expr: str) -> tuple[int, model.Panel]:
        return 4, stats(title, description, Look("locale", decimals=0, limits=limits), Query(expr))

    return [
        one(
            "Critical",
            "Integrations with a critical problem.",
            style.BAD_FROM_ONE,
            count(problems(FLEET, CRITICAL)),
        ),
        one(
            "Warning",
            "Integrations with a problem that is a warning, but none that is critical.",
            style.WARN_FROM_ONE,
            count(f"{problems(FLEET, WARNING)} unless {problems(FLEET, CRITICAL)}"),
        ),
        one(
            "Healthy",
            "Integrations without a problem, or with what is only info, such as those whose alerts are switched off.",
            style.GOOD_FROM_ONE,
            count(
                f"group by ({I}) (braze_cdi_integration_info{{{FLEET}}})"
                f" unless on (workspace, integration_id) {problems(FLEET, NOT_INFO)}"
            ),
        ),
        one(
            "Running now",
            "Integrations whose latest sync is running.",
            style.BLUE,
            count(f"{latest('braze_cdi_last_sync_status', _RUNNING)} == 1"),
        ),
        one(
            "Exporter and way to Braze",
            "Alerts about exporters, keys, limits and discovery. While there are any, the other figures may be blind.",
            style.BAD_FROM_ONE,
            f'count(group by (alertname, workspace, endpoint) (ALERTS{{{OTHER_ALERTS}, severity!="info"}}))'
            f" or 0 * group(workspace:braze_cdi_down:ratio{{{FLEET}}})",
        ),
        one(
            "Rows failed, last 24 h",
            "Rows that failed in all syncs that finished in the last 24 hours.",
            style.WARN_FROM_ONE,
            f"sum({added('workspace:braze_cdi_rows_failed_with_errors:increase5m', FLEET, '1d')})",
        ),
    ]


def _kinds() -> model.Panel:
    return ranking(
        "Problems by kind",
        "How many integrations have each kind of problem. Click a bar for what the runbook says about it.",
        Look("none", decimals=0, limits=[(None, style.WARNING)], no_value="no problem", least=0, named=PROBLEMS),
        Query(f"sort_desc({_COUNTED_BY_KIND})", legend="{{problem}}"),
    )


def _kinds_over_time() -> model.Panel:
    return bars(
        "Problems by kind over time",
        "How many integrations had each kind of problem.",
        Look("none", decimals=0, no_value="no problem in the time shown", least=0, shade="", named=PROBLEMS),
        Query(_COUNTED_BY_KIND, legend="{{problem}}", step="5m"),
    )


def _timeline() -> model.Panel:
    return timeline(
        "Latest sync of integrations with a problem",
        "At most twenty integrations that had a problem at some time of the period shown. Gaps: no sync is known,"
        " or the exporter could not poll for ten minutes.",
        Look("none", words=style.STATUS, no_value="no problem in the time shown"),
        Query(
            latest("integration:braze_cdi_last_sync_status:code", IN_TROUBLE),
            legend="{{integration_name}} · {{workspace}}",
            step="5m",
        ),
    )


def _syncs() -> model.Panel:
    return bars(
        "Finished syncs",
        "Syncs that finished, by how they ended. Each is counted once, however many exporters watch.",
        Look("none", decimals=0, least=0, colours=style.STATUS_COLOURS),
        Query(
            f"sum by (status) ({added('workspace:braze_cdi_syncs:increase5m', FLEET, '$__interval')})",
            legend="{{status}}",
            step="5m",
        ),
    )


def _rows() -> model.Panel:
    return bars(
        "Rows",
        "Rows synced and rows failed, of finished syncs.",
        Look("locale", decimals=0, least=0),
        Query(
            f"sum({added('workspace:braze_cdi_rows_synced:increase5m', FLEET, '$__interval')})",
            legend="synced",
            colour=style.OK,
            step="5m",
        ),
        Query(
            f"sum({added('workspace:braze_cdi_rows_failed_with_errors:increase5m', FLEET, '$__interval')})",
            legend="failed",
            colour=style.CRITICAL,
            step="5m",
        ),
    )


def _failures() -> Annotation:
    failed = f'{FLEET}, status=~"error|config_error|limit_exceeded"'
    return Annotation(
        "Failed syncs",
        "in workspace {{workspace}}",
        f"sum by (workspace) ({added('workspace:braze_cdi_syncs:increase5m', failed, '$__interval')}) > 0",
        style.CRITICAL,
    )
