"""Our instruments show what prometheus-client's show after the same calls."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.metrics.instruments import Histogram, Instrument, Value
from exporter.metrics.text import Kind
from tests.snapshots import Series, read_families, read_series, series_of

BUCKETS = (0.1, 0.5, 1.0, 20.0)
LABELS = ("workspace", "endpoint")
labels = st.tuples(st.sampled_from(["a", 'b"\\\n', "c{}="]), st.sampled_from(["x", ""]))
calls = st.lists(st.tuples(labels, st.sampled_from([*BUCKETS, 0, 2**60]) | st.floats(0, 1e9)), max_size=12)
forgotten = st.sampled_from(["a", "c{}="])


def shown(instrument: Instrument) -> dict[Series, float]:
    """The series of *instrument*, the same in both formats."""
    text = read_series(instrument.render(openmetrics=False))
    page = instrument.render(openmetrics=True) + b"# EOF\n"
    families = read_families(page, openmetrics=True)
    assert [str(family.type) for family in families] == ([str(instrument.kind)] if text else [])
    assert series_of(families) == text
    return text


def expected(registry: CollectorRegistry) -> dict[Series, float]:
    def without_created(series: dict[Series, float]) -> dict[Series, float]:
        return {(name, pairs): value for (name, pairs), value in series.items() if not name.endswith("_created")}

    text = without_created(read_series(generate_latest(registry)))
    page = generate_openmetrics(registry)  # type: ignore[no-untyped-call] # has no annotations upstream
    assert without_created(read_series(page, openmetrics=True)) == text
    return text


@given(calls, forgotten)
def test_a_gauge_is_what_prometheus_client_makes_of_it(made: list[tuple[tuple[str, str], float]], gone: str) -> None:
    ours, registry = Value("x", Kind.GAUGE, "Help.", LABELS), CollectorRegistry()
    theirs = Gauge("x", "Help.", LABELS, registry=registry)
    for pair, value in made:
        ours.set(value, *pair)
        theirs.labels(*pair).set(value)
    assert shown(ours) == expected(registry)
    ours.forget("workspace", gone)
    theirs.remove_by_labels({"workspace": gone})
    assert shown(ours) == expected(registry)


@given(calls, forgotten)
def test_a_counter_is_what_prometheus_client_makes_of_it(made: list[tuple[tuple[str, str], float]], gone: str) -> None:
    ours, registry = Value("x_total", Kind.COUNTER, "Help.", LABELS), CollectorRegistry()
    theirs = Counter("x", "Help.", LABELS, registry=registry)
    for pair, value in made:
        ours.add(value, *pair)
        theirs.labels(*pair).inc(value)
    assert shown(ours) == expected(registry)
    ours.forget("workspace", gone)
    theirs.remove_by_labels({"workspace": gone})
    assert shown(ours) == expected(registry)


@given(calls, forgotten)
def test_a_histogram_is_what_prometheus_client_makes_of_it(
    made: list[tuple[tuple[str, str], float]], gone: str
) -> None:
    ours, registry = Histogram("x", "Help.", LABELS, buckets=BUCKETS), CollectorRegistry()
    theirs = TheirHistogram("x", "Help.", LABELS, registry=registry, buckets=(*BUCKETS, math.inf))
    for pair, value in made:
        ours.observe(value, *pair)
        theirs.labels(*pair).observe(value)
    assert shown(ours) == expected(registry)
    ours.forget("workspace", gone)
    theirs.remove_by_labels({"workspace": gone})
    assert shown(ours) == expected(registry)
