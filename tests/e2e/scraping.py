"""Asking the exporter as Prometheus and people do, and reading the metrics page by prometheus-client's parsers."""

import gzip
import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

QUICK_SECONDS = 2.0
"""How long any answer of the exporter may take here: it takes milliseconds, but machines pause."""
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
"""As Prometheus 2.42 asks."""

SampleKey = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[SampleKey, float]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """With lower-case names."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Ask the exporter for a page, by TLS where a context is given; it must answer quickly."""
    with closing(_connection(port, tls)) as connection:
        began = monotonic()
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read()
        assert monotonic() - began < QUICK_SECONDS, f"{method} {path} took {monotonic() - began:.1f} s"
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _connection(port: int, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    patience = 2 * QUICK_SECONDS
    if tls is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=patience, context=tls)


def scrape(port: int, *, openmetrics: bool = False, compressed: bool = False, path: str = "/metrics") -> Samples:
    """Return every sample of the metrics page, which must be in the form that was asked for."""
    headers = {"Accept-Encoding": "gzip"} if compressed else {}
    if openmetrics:
        headers["Accept"] = OPENMETRICS
    answer = ask(port, path, headers)
    assert answer.status == 200
    assert (answer.headers.get("content-encoding") == "gzip") == compressed
    kind = "application/openmetrics-text; version=1.0.0" if openmetrics else "text/plain; version=0.0.4"
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    body = gzip.decompress(answer.body) if compressed else answer.body
    return parse(body.decode(), openmetrics=openmetrics)


def peek(port: int, name: str) -> list[float]:
    """Return only the values of one metric, without the cost of a parser: for waiting."""
    lines = ask(port, "/metrics").text.splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} "))]


def parse(page: str, *, openmetrics: bool = False) -> Samples:
    """Return every sample of a page; none may be there twice."""
    families = parse_openmetrics(page) if openmetrics else parse_text(page)  # type: ignore[no-untyped-call] # not annotated there
    samples: Samples = {}
    for family in families:
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples, f"twice on the page: {key}"
            samples[key] = sample.value
    return samples


def sample(name: str, **labels: str) -> SampleKey:
    return name, frozenset(labels.items())
