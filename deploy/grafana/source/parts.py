"""
The kinds of panels, each as one function from what it shows to Grafana's model of it.

Here stands how a kind of panel looks: calm, gaps left open, words where there is no data. What is asked and what a
value means comes from the caller. Every panel has a title, a description and a unit, and reads the data source that the
reader has chosen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_uppercase

from grafana_foundation_sdk.models import bargauge, common, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source.style import (
    NO_DATA,
    PLAIN,
    RUNNING,
    Limits,
    Words,
    as_area,
    fixed,
    mapped,
    shades,
    thresholds,
)
from deploy.grafana.source.words import runbook_of

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus."""

    expr: str
    legend: str = ""
    """What a series is called; {{label}} stands for a label's value."""
    colour: str = ""
    """Empty: Grafana chooses."""
    dashed: bool = False
    band_to: str = ""
    """The name of the series down to which the area below this one is painted."""
    step: str = ""
    """The least time between two values; empty: as many values as the panel has room for."""
    now: bool = False
    """Asks only for the latest value, not for the past."""


@dataclass(frozen=True, slots=True)
class Look:
    """How values are shown."""

    unit: str
    decimals: int | None = None
    limits: Limits = field(default_factory=lambda: PLAIN)
    words: Words | None = None
    no_value: str = NO_DATA
    least: float | None = None
    most: float | None = None
    shade: str = RUNNING
    """What the colours of series that have none of their own are shades of; empty: Grafana's own colours."""
    links: Sequence[model.DashboardLink] = ()
    colours: Mapping[str, str] = field(default_factory=dict)
    """The colours of series, by their names."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Readable names for series that are called like problems or alerts; they lead to the runbook."""


def link(title: str, url: str, *, new_tab: bool = False) -> model.DashboardLink:
    """A link from a value or a cell; *url* may name fields and variables."""
    return model.DashboardLink(title=title, type_val=model.DashboardLinkType.LINK, url=url, target_blank=new_tab)


def stats(title: str, description: str, look: Look, *queries: Query) -> model.Panel:
    """The latest value of each query, large."""
    options = stat.Options(
        color_mode=common.BigValueColorMode.VALUE,
        graph_mode=common.BigValueGraphMode.NONE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=common.BigValueTextMode.AUTO if len(queries) == 1 else common.BigValueTextMode.VALUE_AND_NAME,
        reduce_options=_latest(),
        orientation=common.VizOrientation.AUTO,
    )
    panel = _panel("stat", title, description, look, [replace(each, now=True) for each in queries])
    panel.options = options
    return panel


def ranking(title: str, description: str, look: Look, query: Query) -> model.Panel:
    """A bar for each series, in the order of the answer."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.HORIZONTAL,
        name_placement=common.BarGaugeNamePlacement.LEFT,
        show_unfilled=False,
        sizing=common.BarGaugeSizing.MANUAL,
        max_viz_height=24,
        legend=common.VizLegendOptions(show_legend=False, display_mode=common.LegendDisplayMode.LIST),
        reduce_options=_latest(),
    )
    panel = _panel("bargauge", title, description, look, [replace(query, now=True)])
    panel.options = options
    return panel


def lines(
    title: str,
    description: str,
    look: Look,
    *queries: Query,
    area: bool = False,
    log: bool = False,
    many: bool = False,
) -> model.Panel:
    """
    Values over time.

    *area* paints where the limits are crossed; *log* gives short and long the same room. With *many* series their names
    are beside the plot, where they cannot eat it up.
    """
    mode = common.GraphThresholdsStyleMode.AREA if area else common.GraphThresholdsStyleMode.OFF
    style = timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.STEP_AFTER,
        line_width=2,
        fill_opacity=0,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        thresholds_style=common.GraphThresholdsStyleConfig(mode=mode),
    )
    if log:
        style.scale_distribution = common.ScaleDistributionConfig(type_val=common.ScaleDistribution.LOG, log=10)
    return _over_time(title, description, replace(look, limits=as_area(look.limits)), style, queries, many=many)


def bars(title: str, description: str, look: Look, *queries: Query, days: int = 0) -> model.Panel:
    """Amounts over time, stacked. With *days*: one bar a day of that many days, whatever time is chosen above."""
    style = timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS,
        line_width=0,
        fill_opacity=80,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A"),
    )
    if days:
        # The value at a day's first second is the day's.
        style.bar_alignment = common.BarAlignment.AFTER
        queries = tuple(replace(each, step="1d") for each in queries)
    panel = _over_time(title, description, look, style, queries)
    if days:
        panel.time_from = f"{days}d"
    return panel


def timeline(title: str, description: str, look: Look, *queries: Query) -> model.Panel:
    """A line of coloured spans for each series."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.NEVER,
        row_height=0.8,
        merge_values=True,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE),
        per_page=20,
    )
    panel = _panel("state-timeline", title, description, look, queries)
    panel.options = options
    panel.field_config = _field_config(look, custom=statetimeline.FieldConfig(line_width=0, fill_opacity=80))
    return panel


def _over_time(
    title: str,
    description: str,
    look: Look,
    style: timeseries.FieldConfig,
    queries: Sequence[Query],
    *,
    many: bool = False,
) -> model.Panel:
    if look.least == 0 and look.decimals == 0:
        style.axis_soft_max = 1  # nothing but 0 would have an axis to 100
    options = timeseries.Options(
        legend=_legend(common.LegendPlacement.RIGHT if many else common.LegendPlacement.BOTTOM),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )
    panel = _panel("timeseries", title, description, look, queries)
    panel.options = options
    panel.field_config = _field_config(
        look,
        custom=style,
        colour=shades(look.shade),
        overrides=[
            _of_query(ref, query) for ref, query in _refs(queries) if query.colour or query.dashed or query.band_to
        ],
    )
    return panel


def _panel(kind: str, title: str, description: str, look: Look, queries: Sequence[Query]) -> model.Panel:
    return model.Panel(
        type_val=kind,
        title=title,
        description=description,
        datasource=SOURCE,
        targets=[target(ref, query) for ref, query in _refs(queries)],
        field_config=_field_config(look),
    )


def _field_config(
    look: Look,
    *,
    custom: object = None,
    colour: model.FieldColor | None = None,
    overrides: Sequence[model.DashboardFieldConfigSourceOverrides] = (),
) -> model.FieldConfigSource:
    defaults = model.FieldConfig(
        unit=look.unit,
        decimals=look.decimals,
        min_val=look.least,
        max_val=look.most,
        mappings=[mapped(look.words)] if look.words else [],
        thresholds=thresholds(look.limits),
        color=colour or model.FieldColor(mode=model.FieldColorModeId.THRESHOLDS),
        links=list(look.links),
        no_value=look.no_value,
        custom=custom,
    )
    return model.FieldConfigSource(defaults=defaults, overrides=[*overrides, *_of_series(look)])


def _of_query(ref: str, query: Query) -> model.DashboardFieldConfigSourceOverrides:
    properties: dict[str, object] = {}
    if query.colour:
        properties["color"] = fixed(query.colour)
    if query.band_to:
        properties["custom.fillBelowTo"] = query.band_to
        properties["custom.fillOpacity"] = 12
    if query.dashed:
        properties["custom.lineStyle"] = common.LineStyle(fill="dash", dash=[8, 6])
        properties["custom.lineWidth"] = 1
    return override(ref, properties, matcher="byFrameRefID")


def _of_series(look: Look) -> Iterator[model.DashboardFieldConfigSourceOverrides]:
    for name, colour in look.colours.items():
        yield override(name, {"color": fixed(colour)})
    for name, words in look.named.items():
        runbook = link(f"Runbook: {words}", runbook_of(name), new_tab=True)
        yield override(name, {"displayName": words, "links": [runbook]})


def override(
    matched: str, properties: Mapping[str, object], *, matcher: str = "byName"
) -> model.DashboardFieldConfigSourceOverrides:
    """What holds only for one column or series."""
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(id_val=matcher, options=matched),
        properties=[model.DynamicConfigValue(id_val=name, value=value) for name, value in properties.items()],
    )


def target(ref: str, query: Query, *, table: bool = False) -> prometheus.Dataquery:
    """Grafana's form of a query."""
    return prometheus.Dataquery(
        ref_id=ref,
        datasource=SOURCE,
        expr=query.expr,
        legend_format=query.legend or "__auto",
        interval=query.step or None,
        instant=query.now,
        range_val=not query.now,
        editor_mode=prometheus.QueryEditorMode.CODE,
        format_val=prometheus.PromQueryFormat.TABLE if table else prometheus.PromQueryFormat.TIME_SERIES,
    )


def _refs(queries: Sequence[Query]) -> list[tuple[str, Query]]:
    """The letters that Grafana gives to a panel's queries."""
    return list(zip(ascii_uppercase, queries, strict=False))


def _latest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False)


def _legend(placement: common.LegendPlacement = common.LegendPlacement.BOTTOM) -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.LIST, placement=placement, show_legend=True, calcs=[]
    )
