"""Asks a Prometheus over HTTP, as Grafana does: queries now and over a time range."""

from typing import Any

import httpx


class PrometheusError(Exception):
    """Prometheus refused a query, or did not answer."""


class Prometheus:
    """One server, such as http://127.0.0.1:9090."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def now(self, expr: str, at: float) -> list[dict[str, Any]]:
        """The series that *expr* gives at the moment *at*, in seconds since 1970."""
        return self._ask("query", {"query": expr, "time": at})

    def over_time(self, expr: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series that *expr* gives from *start* to *end*, every *step* seconds."""
        return self._ask("query_range", {"query": expr, "start": start, "end": end, "step": step})

    def _ask(self, kind: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            answer = httpx.post(f"{self._url}/api/v1/{kind}", data=parameters, timeout=30, trust_env=False)
        except httpx.HTTPError as error:
            raise PrometheusError(f"{self._url} does not answer: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise PrometheusError(f"{parameters['query']}: {answer.text}")
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found
