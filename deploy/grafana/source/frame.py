"""
What surrounds the panels: places on the grid, variables, links, annotations, time.

A dashboard is a list of bands from top to bottom: a heading, or panels of one height whose widths add up to the whole
width. Ids and places follow from that order, so nothing can overlap and the same source gives the same JSON.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source.parts import SOURCE, link
from deploy.grafana.source.words import DOCUMENTS, RUNBOOK

WIDTH = 24
_RECORDED = re.compile(r"\b\w+:braze_cdi")
_NEEDS_RULES = "Reads recorded series: all or part of it is empty where the recording rules are not loaded."
FLEET_UID = "braze-cdi-fleet"
INTEGRATION_UID = "braze-cdi-integration"
# Both dashboards have these variables, so that a link can hand them over.
HANDED_OVER = "${datasource:queryparam}&${workspace:queryparam}&${exporter:queryparam}&${__url_time_range}"

STATUS_PAGE = link(
    "Status page",
    '${exporter}/integrations/${__data.fields["Workspace"]:percentencode}'
    '/${__data.fields["Integration id"]:percentencode}',
    new_tab=True,
)
"""From a table's row to the exporter's own page of the integration."""
BRAZE_PAGE = link("Page in Braze", "${__value.raw}", new_tab=True)
"""From a cell with the address of a page in Braze's dashboard."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A band with nothing but words."""

    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """Panels side by side: each with its width."""

    height: int
    panels: Sequence[tuple[int, model.Panel]]


class Annotation(model.AnnotationQuery):
    """An annotation from Prometheus; the SDK's model lacks what this data source adds."""

    def __init__(self, title: str, text: str, expr: str, colour: str) -> None:
        super().__init__(name=title, datasource=SOURCE, icon_color=colour)
        self._text = text
        self._target = {"refId": "Anno", "expr": expr, "interval": "5m"}

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "target": self._target, "titleFormat": self.name, "textFormat": self._text}


def make_dashboard(
    uid: str,
    *,
    title: str,
    description: str,
    bands: Sequence[Heading | Band],
    variables: Sequence[model.VariableModel],
    links: Sequence[model.DashboardLink],
    annotations: Sequence[Annotation],
) -> model.Dashboard:
    """
    The whole dashboard.

    Variables and links that every dashboard has are added: the former before *variables*, the latter after *links*.

    Raises:
        ValueError: A band is not as wide as the grid.

    """
    return model.Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=["braze-cdi"],
        timezone="browser",
        editable=True,
        graph_tooltip=model.DashboardCursorSync.CROSSHAIR,
        time=model.DashboardDashboardTime(from_val="now-6h", to="now"),
        refresh="1m",
        panels=_placed(bands),
        templating=model.DashboardDashboardTemplating(
            list_val=[_without_auto(variable) for variable in (*_common_variables(), *variables)]
        ),
        annotations=model.AnnotationContainer(list_val=list(annotations)),
        links=[*links, *_common_links()],
    )


def _placed(bands: Sequence[Heading | Band]) -> list[model.Panel | model.RowPanel]:
    placed: list[model.Panel | model.RowPanel] = []
    y = 0
    for band in bands:
        if isinstance(band, Heading):
            place = model.GridPos(x=0, y=y, w=WIDTH, h=1)
            placed.append(model.RowPanel(id_val=len(placed) + 1, title=band.title, grid_pos=place, panels=[]))
            y += 1
            continue
        x = 0
        for width, panel in band.panels:
            panel.id_val = len(placed) + 1
            panel.grid_pos = model.GridPos(x=x, y=y, w=width, h=band.height)
            if any(_RECORDED.search(getattr(query, "expr", "")) for query in panel.targets or ()):
                panel.description = f"{panel.description} {_NEEDS_RULES}"
            placed.append(panel)
            x += width
        if x != WIDTH:
            raise ValueError(f"the band of {[panel.title for _, panel in band.panels]} is {x} wide, not {WIDTH}")
        y += band.height
    return placed


def _without_auto(variable: model.VariableModel) -> model.VariableModel:
    """Without what belongs to variables of intervals only, and the SDK writes for all."""
    variable.auto = variable.auto_min = variable.auto_count = None
    return variable


def _common_variables() -> list[model.VariableModel]:
    return [
        model.VariableModel(
            type_val=model.VariableType.DATASOURCE,
            name="datasource",
            label="Prometheus",
            description="The Prometheus that scrapes the exporter and has its rules.",
            query="prometheus",
            refresh=model.VariableRefresh.ON_DASHBOARD_LOAD,
            multi=False,
        ),
        model.VariableModel(
            type_val=model.VariableType.QUERY,
            name="workspace",
            label="Workspace",
            description="Braze workspaces, by their names in the exporter's configuration.",
            datasource=SOURCE,
            query=variable_query("label_values(braze_cdi_exporter_polls_total, workspace)"),
            refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
            sort=model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
            multi=True,
            include_all=True,
            all_value=".+",
            current=model.VariableOption(selected=True, text=["All"], value=["$__all"]),
        ),
        model.VariableModel(
            type_val=model.VariableType.TEXTBOX,
            name="exporter",
            label="Exporter",
            description="Where your browser reaches the exporter, for the links to its status page.",
            query="http://localhost:10273",
            current=model.VariableOption(selected=True, text="http://localhost:10273", value="http://localhost:10273"),
        ),
    ]


def chosen_ids(name: str, description: str, expr: str) -> model.VariableModel:
    """A variable that nobody sees, with the ids of the integrations in the answer of *expr*."""
    return model.VariableModel(
        type_val=model.VariableType.QUERY,
        name=name,
        description=description,
        hide=model.VariableHide.HIDE_VARIABLE,
        skip_url_sync=True,
        datasource=SOURCE,
        query=variable_query(f"query_result({expr})"),
        regex='/integration_id="(?<text>[^"]+)"/',
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        multi=True,
        include_all=True,
        current=model.VariableOption(selected=True, text=["All"], value=["$__all"]),
    )


def variable_query(query: str) -> dict[str, object]:
    """The form in which Grafana keeps a variable's query to Prometheus."""
    return {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}


def _common_links() -> list[model.DashboardLink]:
    return [
        _link("Status page", "${exporter}/", "external link", "The exporter's own page: latest syncs and last errors"),
        _link("Runbook", RUNBOOK, "doc", "What each alert means and what to do"),
        _link("About these dashboards", f"{DOCUMENTS}dashboards.md", "info", "What each panel shows"),
    ]


def dashboard_link(title: str, uid: str, tooltip: str) -> model.DashboardLink:
    """A link to the other dashboard that keeps time, data source and workspaces."""
    link = _link(title, f"/d/{uid}", "dashboard", tooltip)
    link.target_blank = False
    link.include_vars = link.keep_time = True
    return link


def _link(title: str, url: str, icon: str, tooltip: str) -> model.DashboardLink:
    return model.DashboardLink(
        title=title,
        type_val=model.DashboardLinkType.LINK,
        icon=icon,
        tooltip=tooltip,
        url=url,
        tags=[],
        target_blank=True,
    )
