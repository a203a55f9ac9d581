"""The table of metrics as a whole; single entries are proven by the golden pages and the property tests."""

import dataclasses
import re
from datetime import UTC, datetime

import pytest

from exporter.domain.model import Integration
from exporter.domain.view import View
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.columns import render_lines
from exporter.metrics.family import INTEGRATION_LABELS, Family
from exporter.metrics.text import Kind
from tests.snapshots import REPRESENTATIVE

OURS = {"last_poll_at", "last_poll_success_at", "history_gaps", "limits"}
OURS |= {"usual_rows", "usual_duration_seconds", "learned_syncs"}
"""Fields of the view that hold whenever the latest successful poll was; so their gauges never disappear."""
EVERY = pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)


def test_no_family_is_there_twice() -> None:
    names = [family.name for family in CATALOGUE]
    assert len(set(names)) == len(names)


@EVERY
def test_a_family_reads_one_field_of_the_view(family: Family) -> None:
    fields = {field.name for field in dataclasses.fields(View)}
    assert {family.reads, family.when_stale or family.reads} <= fields


@EVERY
def test_the_suffix_of_a_name_tells_the_kind(family: Family) -> None:
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)


@EVERY
def test_help_is_a_sentence_that_needs_no_escaping(family: Family) -> None:
    assert re.fullmatch(r"[ -~]+\.", family.help)
    assert not set('\\"') & set(family.help)


@EVERY
def test_help_of_what_polls_bring_says_that_it_is_cached(family: Family) -> None:
    assert family.help.endswith(" Cached.") == (family.reads not in OURS), "see _NOT_CACHED in the catalogue"


@EVERY
def test_every_family_shows_something_for_the_representative_views(family: Family) -> None:
    shown = any(render_lines(family, "", getattr(view, family.reads)) for view in REPRESENTATIVE)
    assert shown, "no view in tests/snapshots.py has a value for it"


@EVERY
def test_samples_have_just_the_labels_that_are_declared(family: Family) -> None:
    plain = [dataclasses.replace(s, integration=dataclasses.replace(s.integration, labels=())) for s in REPRESENTATIVE]
    values = [value for view in plain if (value := getattr(view, family.reads)) is not None]
    for pairs, _ in (sample for value in values for sample in family.samples(value)):
        assert tuple(name for name, _ in pairs) == family.labels


@EVERY
def test_gauges_about_syncs_expire_and_nothing_else_does(family: Family) -> None:
    stays = family.kind is Kind.COUNTER or family.reads in {"up", "integration", "problems", *OURS}
    assert (family.when_stale is not None) == stays, "when_stale names the field that it reads of a stale view"


def _info_family() -> Family:
    return next(family for family in CATALOGUE if family.name.endswith("_info"))


def test_configured_labels_follow_the_fixed_ones_in_order() -> None:
    integration = Integration("w", "i", "n", labels=(("team", "crm"), ("area", "eu")), warehouse_type="snowflake")
    assert render_lines(_info_family(), "I", integration) == (
        b'braze_cdi_integration_info{I,integration_type="",warehouse_type="snowflake",app_group_id="",'
        b'area="eu",team="crm"} 1\n'
    )


@pytest.mark.parametrize("name", [*INTEGRATION_LABELS, "warehouse_type", "__name__", "a-b", "1a", "", "a\n", "é"])
def test_a_configured_label_that_would_cost_the_page_is_left_out(name: str) -> None:
    lines = render_lines(_info_family(), "I", Integration("w", "i", "n", labels=((name, "x"),)))
    assert lines.endswith(b'app_group_id=""} 1\n')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -1])
def test_a_counter_that_is_no_number_or_negative_is_absent(value: float) -> None:
    family = Family("x_total", Kind.COUNTER, "Help.", reads="history_gaps", samples=lambda number: [((), number)])
    assert render_lines(family, "", value) == b""


def test_a_gauge_may_be_negative() -> None:
    family = Family("x", Kind.GAUGE, "Help.", reads="history_gaps", samples=lambda number: [((), number)])
    assert render_lines(family, 'a="b"', -1.5) == b'x{a="b"} -1.5\n'


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_farthest_moments_have_a_timestamp(at: datetime) -> None:
    family = next(family for family in CATALOGUE if family.reads == "last_poll_at")
    value = float(render_lines(family, "", at).split()[-1])
    assert value == (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
