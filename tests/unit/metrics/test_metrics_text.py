"""Label values and numbers as the page writes them."""

import math

import pytest

from exporter.metrics.text import Kind, clean, render_header, render_labels, render_number


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (-0.0, "0"),
        (True, "1"),
        (5.0, "5"),
        (-3, "-3"),
        (1767225600.123456, "1767225600.123456"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (2**53 + 1, "9007199254740993"),
        (253402300799999999, "253402300799999999"),
        (1e22, "1e+22"),
        (10**30, "1e+30"),
    ],
)
def test_a_number_is_written_so_that_it_reads_back_the_same(value: float, written: str) -> None:
    assert render_number(value) == written
    assert float(written) == float(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_finite_number_is_not_written(value: float) -> None:
    assert render_number(value) is None


def test_backslash_quote_and_newline_are_escaped_in_label_values() -> None:
    assert render_labels([("a", 'x\\y"z\n'), ("b", "")]) == r'a="x\\y\"z\n",b=""'


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\r", "\x0b", "\x0c", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
)
def test_characters_that_break_readers_become_the_replacement_character(character: str) -> None:
    assert clean(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("text", ["\t", "\n", "é", "日本語", "\U0001f600", "\ufffe", "{}=,# \\"])
def test_other_characters_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("name", "kind", "text", "openmetrics"),
    [
        ("x", Kind.GAUGE, b"# HELP x Help.\n# TYPE x gauge\n", b"# HELP x Help.\n# TYPE x gauge\n"),
        ("x", Kind.HISTOGRAM, b"# HELP x Help.\n# TYPE x histogram\n", b"# HELP x Help.\n# TYPE x histogram\n"),
        (
            "x_total",
            Kind.COUNTER,
            b"# HELP x_total Help.\n# TYPE x_total counter\n",
            b"# HELP x Help.\n# TYPE x counter\n",
        ),
        (
            "x_info",
            Kind.GAUGE,
            b"# HELP x_info Help.\n# TYPE x_info gauge\n",
            b"# HELP x_info Help.\n# TYPE x_info gauge\n",
        ),
    ],
)
def test_headers_name_the_family_as_the_format_wants(name: str, kind: Kind, text: bytes, openmetrics: bytes) -> None:
    assert render_header(name, kind, "Help.", openmetrics=False) == text
    assert render_header(name, kind, "Help.", openmetrics=True) == openmetrics
