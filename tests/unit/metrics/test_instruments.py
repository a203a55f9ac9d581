"""What the instruments promise beyond prometheus-client's; test_instrument_properties.py has the rest."""

import math

import pytest

from exporter.metrics.instruments import Histogram, Value
from exporter.metrics.text import Kind


def test_an_instrument_without_series_shows_nothing() -> None:
    assert Value("x", Kind.GAUGE, "Help.").render(openmetrics=False) == b""


def test_an_instrument_without_labels_has_one_series() -> None:
    gauge = Value("x", Kind.GAUGE, "Help.")
    gauge.set(1)
    gauge.set(2)
    assert gauge.render(openmetrics=False) == b"# HELP x Help.\n# TYPE x gauge\nx 2\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_finite_number_is_absent(value: float) -> None:
    gauge = Value("x", Kind.GAUGE, "Help.", ["a"])
    gauge.set(value, "1")
    assert gauge.render(openmetrics=False) == b""
    gauge.set(3, "2")
    assert gauge.render(openmetrics=False) == b'# HELP x Help.\n# TYPE x gauge\nx{a="2"} 3\n'


def test_labels_that_look_the_same_on_the_page_are_one_series() -> None:
    counter = Value("x_total", Kind.COUNTER, "Help.", ["a"])
    counter.add(1, "\x00")
    counter.add(1, "\r")
    assert counter.render(openmetrics=False).endswith('x_total{a="\ufffd"} 2\n'.encode())


@pytest.mark.parametrize("labels", [(), ("1", "2")])
def test_the_wrong_number_of_labels_is_an_error_and_makes_no_series(labels: tuple[str, ...]) -> None:
    counter = Value("x_total", Kind.COUNTER, "Help.", ["a"])
    with pytest.raises(ValueError, match="zip"):
        counter.add(1, *labels)
    assert counter.render(openmetrics=False) == b""


def test_a_histogram_counts_an_observation_in_every_bucket_that_holds_it() -> None:
    histogram = Histogram("x", "Help.", ["a"], buckets=(0.5, 1))
    histogram.observe(1, "w")
    assert histogram.render(openmetrics=False) == (
        b"# HELP x Help.\n# TYPE x histogram\n"
        b'x_bucket{a="w",le="0.5"} 0\nx_bucket{a="w",le="1.0"} 1\nx_bucket{a="w",le="+Inf"} 1\n'
        b'x_count{a="w"} 1\nx_sum{a="w"} 1\n'
    )
