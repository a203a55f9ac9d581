"""
What a value looks like: colours, words for codes, limits.

The colours are those of the exporter's status page, so that red means the same in both places. This file knows no
query and no panel.
"""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.models import dashboard as model

OK = "#4f9a70"
WARNING = "#d9a13a"
CRITICAL = "#f0675b"
WORST = "#cf3a2d"
RUNNING = "#82b1ff"
QUIET = "#a3abb3"
CALM = "text"
"""Grafana's word for the colour of ordinary text, which is readable on either theme."""
CLEAR = "transparent"

NO_DATA = "no data"

Words = Mapping[int, tuple[str, str]]
"""What the values of a code mean, and their colours."""

STATUS: Words = {
    0: ("success", OK),
    1: ("running", RUNNING),
    2: ("partial", WARNING),
    3: ("unknown", WARNING),
    4: ("error", CRITICAL),
    5: ("limit_exceeded", CRITICAL),
    6: ("config_error", WORST),
}
"""The codes of integration:braze_cdi_last_sync_status:code."""

SEVERITY: Words = {0: ("healthy", OK), 1: ("warning", WARNING), 2: ("critical", CRITICAL)}
PROBLEM: Words = {0: ("info", QUIET), 1: ("warning", WARNING), 2: ("critical", CRITICAL)}
ALERT_STATE: Words = {1: ("pending", WARNING), 2: ("firing", CRITICAL)}
POLLED: Words = {0: ("failed", CRITICAL), 1: ("ok", OK)}
TARGET: Words = {0: ("down", CRITICAL), 1: ("up", OK)}
LOADED: Words = {0: ("refused", CRITICAL), 1: ("loaded", OK)}
PERSISTENT: Words = {0: ("in memory", WARNING), 1: ("on disk", OK)}

STATUS_COLOURS = dict(STATUS.values())

Limits = Sequence[tuple[float | None, str]]
"""From which value on which colour holds; the first value is None, for everything below."""

PLAIN: Limits = [(None, CALM)]
BLUE: Limits = [(None, RUNNING)]
BAD_FROM_ONE: Limits = [(None, OK), (1, CRITICAL)]
WARN_FROM_ONE: Limits = [(None, OK), (1, WARNING)]
GOOD_FROM_ONE: Limits = [(None, QUIET), (1, OK)]
BAD: Limits = [(None, CALM), (0, CRITICAL)]
# As the problem future_watermark: five minutes for clocks that differ.
LAG: Limits = [(None, CALM), (-1e12, CRITICAL), (-300, CALM)]
UNTIL_RUN: Limits = [(None, CRITICAL), (0, CALM)]
# As BrazeCDIBudgetLow.
BUDGET: Limits = [(None, CRITICAL), (0.1, CALM)]
# As BrazeCDIPollsUnreliable and BrazeCDIWorkspacePollsFailing.
FAILING_POLLS: Limits = [(None, OK), (0.2, WARNING), (0.5, CRITICAL)]


def as_area(limits: Limits) -> Limits:
    """The same limits for painting behind lines: nothing where nothing is wrong."""
    return [(at, CLEAR if colour == CALM else colour) for at, colour in limits]


def thresholds(limits: Limits) -> model.ThresholdsConfig:
    return model.ThresholdsConfig(
        mode=model.ThresholdsMode.ABSOLUTE, steps=[model.Threshold(value=at, color=colour) for at, colour in limits]
    )


def mapped(words: Words) -> model.ValueMap:
    """Shows words in place of numbers."""
    return model.ValueMap(
        options={
            str(code): model.ValueMappingResult(text=text, color=colour, index=code)
            for code, (text, colour) in words.items()
        }
    )


def fixed(colour: str) -> model.FieldColor:
    return model.FieldColor(mode=model.FieldColorModeId.FIXED, fixed_color=colour)


def shades(colour: str) -> model.FieldColor:
    """
    A shade of one colour for each series, so that none has a colour that means something else.

    Without *colour*, one of Grafana's own for each: more than a handful of shades cannot be told apart.
    """
    if not colour:
        return model.FieldColor(mode=model.FieldColorModeId.PALETTE_CLASSIC)
    return model.FieldColor(mode=model.FieldColorModeId.SHADES, fixed_color=colour)
