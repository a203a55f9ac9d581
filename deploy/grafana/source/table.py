"""
Tables: several queries side by side, one row for each integration, workspace or exporter.

Each column names the query or the label it comes from; Grafana merges the answers where their labels agree. What is not
a column is left out, so a label that somebody's Prometheus adds cannot split a row: queries aggregate to the labels
named here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import table as table_model

from deploy.grafana.source.parts import SOURCE, Look, Query, override, target
from deploy.grafana.source.style import CLEAR, NO_DATA, PLAIN, mapped, thresholds


@dataclass(frozen=True, slots=True)
class Column:
    """One column; either a label of every query's series, or the value of a query."""

    name: str
    label: str = ""
    expr: str = ""
    look: Look | None = None
    width: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """What to show in place of a label's value."""
    word: str = ""
    """What to show in place of any text of a label, such as an address."""
    filled: bool = False
    """Whether the cell's background has the colour, rather than its text."""
    out_of_sight: bool = False
    """For a label that only links need."""
    hidden: bool = False
    """For a query that is asked for the sake of its labels."""


def table(
    title: str, description: str, columns: Sequence[Column], *, sort: str, descending: bool = True, empty: str = NO_DATA
) -> model.Panel:
    """
    The latest values, one row for each combination of the labels, ordered by the column *sort*; else *empty*.

    There must be two queries at least: Grafana names the values of several queries after these, but not that of one.
    """
    asked = [column for column in columns if column.expr]
    refs = {column.name: letter for letter, column in zip(ascii_uppercase, asked, strict=False)}
    # Grafana calls the value of a query "Value #A"; with a single query it is plainly "Value".
    fields = {
        column.name: column.label or (f"Value #{refs[column.name]}" if len(asked) > 1 else "Value")
        for column in columns
    }
    return model.Panel(
        type_val="table",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=[target(refs[each.name], Query(each.expr, now=True), table=True) for each in asked],
        transformations=[
            model.DataTransformerConfig(id_val="merge", options={}),
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {
                        "Time": True,
                        **{fields[column.name]: True for column in columns if column.hidden},
                    },
                    "indexByName": {fields[column.name]: place for place, column in enumerate(columns)},
                    "renameByName": {fields[column.name]: column.name for column in columns},
                },
            ),
        ],
        options=_options(sort, descending=descending),
        field_config=model.FieldConfigSource(
            defaults=model.FieldConfig(
                unit="none",
                no_value=empty,
                mappings=[],
                thresholds=thresholds(PLAIN),
                custom=common.TableFieldOptions(
                    align=common.FieldTextAlignment.AUTO, cell_options=common.TableAutoCellOptions(), inspect=False
                ),
            ),
            overrides=[_appearance(column) for column in columns if not column.hidden],
        ),
    )


def _options(sort: str, *, descending: bool) -> table_model.Options:
    options = table_model.Options(
        show_header=True,
        cell_height=common.TableCellHeight.SM,
        sort_by=[common.TableSortByFieldState(display_name=sort, desc=descending)],
    )
    # The SDK would write an empty one, which Grafana 12 no longer knows.
    options.footer = None
    return options


def _appearance(column: Column) -> model.DashboardFieldConfigSourceOverrides:
    properties: dict[str, object] = {"noValue": ""} if column.label else {}
    if column.out_of_sight:
        properties["custom.hideFrom"] = common.HideSeriesConfig(viz=True)
    if column.width:
        properties["custom.width"] = column.width
    if column.look is not None:
        look = column.look
        properties["unit"] = look.unit
        # An empty cell is calmer than "no data" where most cells have none.
        properties["noValue"] = "" if look.no_value == NO_DATA else look.no_value
        if look.decimals is not None:
            properties["decimals"] = look.decimals
        if look.links:
            properties["links"] = list(look.links)
        if look.words or look.limits is not PLAIN:
            properties["color"] = model.FieldColor(mode=model.FieldColorModeId.THRESHOLDS)
            # Without a value a cell has the colour below all limits.
            properties["thresholds"] = thresholds([(None, CLEAR)] if column.filled else look.limits)
            properties["custom.cellOptions"] = (
                common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
                if column.filled
                else common.TableColorTextCellOptions()
            )
        if look.words:
            properties["mappings"] = [mapped(look.words)]
    if column.names:
        properties["mappings"] = [
            model.ValueMap({value: model.ValueMappingResult(text=name) for value, name in column.names.items()})
        ]
    if column.word:
        shown = model.ValueMappingResult(text=column.word)
        properties["mappings"] = [model.RegexMap(model.DashboardRegexMapOptions(pattern=".+", result=shown))]
    return override(column.name, properties)
