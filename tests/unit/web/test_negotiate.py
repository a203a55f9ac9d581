import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from exporter.web.negotiate import accepts_gzip, wants_openmetrics

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3_0 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_OLD_NAMES = PROMETHEUS_3.replace("allow-utf-8", "underscores")
"""With `metric_name_validation_scheme: legacy`."""
PROMETHEUS_3_NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
"""With `scrape_native_histograms: true`."""
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def headers(**values: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in values.items()})


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_2_42, True),
        (PROMETHEUS_3_0, True),
        (PROMETHEUS_3, True),
        (PROMETHEUS_3_OLD_NAMES, True),
        (PROMETHEUS_3_NATIVE_HISTOGRAMS, True),
        (CHROMIUM, False),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"', True),
        ("application/openmetrics-text; version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("text/plain;version=0.0.4, application/openmetrics-text;q=0.9", False),
        ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text", True),
        ("text/plain, application/openmetrics-text", True),
        ("text/plain;version=1.0.0;q=0.9, application/openmetrics-text;q=0.5", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0, */*", False),
        ("*/*, text/plain;q=0", True),
        ("application/*", True),
        ("text/*, application/*", False),
        ("application/openmetrics-text;q=high", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=7, text/plain;q=0.1", False),
        ("image/png", False),
        (";;,,=;q", False),
    ],
)
def test_format_follows_the_accept_header(accept: str, openmetrics: bool) -> None:
    assert wants_openmetrics(headers(accept=accept)) is openmetrics


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip, br", True),
        ("gzip;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
        ("gzip;q=0.5, identity", False),
        ("gzip, identity;q=0.5", True),
        ("identity", False),
        ("br", False),
        ("", False),
    ],
)
def test_compression_follows_the_accept_encoding_header(accept_encoding: str, gzip: bool) -> None:
    assert accepts_gzip(headers(accept_encoding=accept_encoding)) is gzip


def test_without_headers_the_page_is_plain_text_uncompressed() -> None:
    assert not wants_openmetrics(Headers({}))
    assert not accepts_gzip(Headers({}))


def test_several_accept_headers_count_as_one() -> None:
    raw = [(b"accept", b"text/plain;q=0.5"), (b"accept", b"application/openmetrics-text")]
    assert wants_openmetrics(Headers(raw=raw))


@given(st.text(alphabet=st.sampled_from('aA/*;,=q.0159 "-textgzipapplication'), max_size=60) | st.text(max_size=20))
def test_no_header_makes_negotiation_fail(value: str) -> None:
    raw = [
        (b"accept", value.encode("latin-1", "replace")),
        (b"accept-encoding", value.encode("latin-1", "replace")),
    ]
    assert wants_openmetrics(Headers(raw=raw)) in {True, False}
    assert accepts_gzip(Headers(raw=raw)) in {True, False}
