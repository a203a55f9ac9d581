"""
The metrics about the exporter itself, as instruments in a prometheus-client registry of their own.

This file decides names, labels, buckets and which series exist before anything has happened. It does not know what is
polled or why: callers report what they did. What is not known is absent: a gauge that nobody has set, or that was set
to something that is no number, shows nothing, and a family without samples shows not even its name.
"""

import math
import platform
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter.domain.errors import REASONS
from exporter.metrics.text import clean
from exporter.version import REVISION, VERSION

ENDPOINTS = ("job_sync_status", "integrations")
"""Every value the label `endpoint` can have; the wire's words, which this layer must not import for a name."""

DURATION_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds; up to the default deadline of a request."""

_UNKNOWN = math.nan


class OwnMetrics:
    """What the exporter counts about itself. Times are seconds, moments are seconds since 1970."""

    def __init__(self, version: str = VERSION, revision: str = REVISION) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        build_info = self._gauge(
            "build_info", "Always 1; the labels say which build this is.", "version", "revision", "python_version"
        )
        build_info.labels(version, revision, platform.python_version()).set(1)
        self._requests = self._counter(
            "api_requests",
            "Requests sent to Braze, by HTTP status of the answer, or error where none came.",
            "workspace",
            "endpoint",
            "code",
        )
        self._request_seconds = Histogram(
            "braze_cdi_exporter_api_request_duration_seconds",
            "Seconds that requests to Braze took, failed ones included.",
            ("workspace", "endpoint"),
            registry=self._registry,
            buckets=DURATION_BUCKETS,
        )
        self._limit = self._gauge(
            "api_rate_limit", "Requests Braze allows in its window, by its newest answer.", "workspace", "endpoint"
        )
        self._remaining = self._gauge(
            "api_rate_limit_remaining",
            "Requests still allowed in the current window, by the newest answer of Braze.",
            "workspace",
            "endpoint",
        )
        self._reset = self._gauge(
            "api_rate_limit_reset_timestamp_seconds",
            "When the current window ends, by the newest answer of Braze, in seconds since 1970.",
            "workspace",
            "endpoint",
        )
        self._throttled = self._counter(
            "throttled_seconds", "Seconds that requests waited for the rate budget.", "workspace", "endpoint"
        )
        self._polls = self._counter("polls", "Polls of integrations, whatever came of them.", "workspace")
        self._failures = self._counter(
            "poll_failures", "Polls of integrations that failed, by reason.", "workspace", "reason"
        )
        self._interval = self._gauge(
            "poll_interval_seconds",
            "Poll interval in effect, longer than configured when the rate budget demands it.",
            "workspace",
        )
        self._anomalies = self._counter(
            "payload_anomalies",
            "Values Braze should not have sent, worked around, by kind.",
            "workspace",
            "endpoint",
            "kind",
        )
        self._integrations = self._gauge(
            "integrations", "Integrations polled, by where they are known from.", "workspace", "source"
        )
        self._discovered = self._gauge(
            "discovery_last_success_timestamp_seconds",
            "When discovery last succeeded, in seconds since 1970.",
            "workspace",
        )
        self._config_successful = self._gauge(
            "config_last_reload_successful", "Whether the configuration was last loaded with success (1) or not (0)."
        )
        self._config_success_at = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded with success, in seconds since 1970.",
        )
        self._persistent = self._gauge("state_persistent", "1 while the accounting state is on disk, 0 while not.")
        self._state_failures = self._counter("state_write_failures", "Writes of the accounting state that failed.")
        for unset in (self._config_successful, self._config_success_at, self._persistent):
            unset.set(_UNKNOWN)
        PlatformCollector(registry=self._registry)
        ProcessCollector(registry=self._registry)
        self._of_workspaces: tuple[MetricWrapperBase, ...] = (
            self._requests,
            self._request_seconds,
            self._limit,
            self._remaining,
            self._reset,
            self._throttled,
            self._polls,
            self._failures,
            self._interval,
            self._anomalies,
            self._integrations,
            self._discovered,
        )

    def prepare_workspace(self, workspace: str) -> None:
        """Let the counters whose labels are known beforehand start at 0, so that a first failure is an increase."""
        workspace = clean(workspace)
        self._polls.labels(workspace)
        for reason in REASONS:
            self._failures.labels(workspace, reason)
        for endpoint in ENDPOINTS:
            self._throttled.labels(workspace, endpoint)

    def forget_workspace(self, workspace: str) -> None:
        """Take everything about *workspace* off the page."""
        for metric in self._of_workspaces:
            metric.remove_by_labels({"workspace": clean(workspace)})

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None:
        """Count one request. *code* is the HTTP status, or "error" where no answer came."""
        self._requests.labels(clean(workspace), endpoint, code).inc()
        self._request_seconds.labels(clean(workspace), endpoint).observe(seconds)

    def rate_limit_seen(
        self,
        workspace: str,
        endpoint: str,
        *,
        limit: float | None,
        remaining: float | None,
        reset_at_seconds: float | None,
    ) -> None:
        """Show what an answer said about the rate limit; what it did not say (None) stays as it was."""
        for gauge, value in ((self._limit, limit), (self._remaining, remaining), (self._reset, reset_at_seconds)):
            if value is not None:
                gauge.labels(clean(workspace), endpoint).set(value)

    def throttled(self, workspace: str, endpoint: str, seconds: float) -> None:
        """Add the time one request waited for the budget."""
        self._throttled.labels(clean(workspace), endpoint).inc(seconds)

    def poll_finished(self, workspace: str, reason: str | None) -> None:
        """Count one poll of one integration; *reason* is why it failed, None when it succeeded."""
        self._polls.labels(clean(workspace)).inc()
        if reason is not None:
            self._failures.labels(clean(workspace), reason).inc()

    def poll_interval(self, workspace: str, seconds: float) -> None:
        """Show the interval in effect."""
        self._interval.labels(clean(workspace)).set(seconds)

    def anomalies(self, workspace: str, endpoint: str, kind: str, count: int) -> None:
        """Count *count* anomalies of one kind in an answer."""
        self._anomalies.labels(clean(workspace), endpoint, kind).inc(count)

    def integrations(self, workspace: str, source: str, count: int) -> None:
        """Show how many integrations are known from *source* (config or discovery)."""
        self._integrations.labels(clean(workspace), source).set(count)

    def discovery_succeeded(self, workspace: str, at_seconds: float) -> None:
        """Show when the list of integrations was last read whole."""
        self._discovered.labels(clean(workspace)).set(at_seconds)

    def config_loaded(self, *, successful: bool, at_seconds: float) -> None:
        """Show how the newest attempt to load the configuration ended; only a success moves the time."""
        self._config_successful.set(successful)
        if successful:
            self._config_success_at.set(at_seconds)

    def state_persistent(self, value: bool) -> None:
        """Show whether the accounting state is on disk."""
        self._persistent.set(value)

    def state_write_failed(self) -> None:
        """Count one failed write of the accounting state."""
        self._state_failures.inc()

    def render(self, *, openmetrics: bool) -> bytes:
        """The page of these metrics, without the `# EOF` line that ends an OpenMetrics page."""
        known = _Known(self._registry)
        if openmetrics:
            page: bytes = generate_openmetrics(known)  # type: ignore[no-untyped-call] # has no annotations upstream
            return page.removesuffix(b"# EOF\n")
        return generate_latest(known)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"braze_cdi_exporter_{name}", documentation, labels, registry=self._registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"braze_cdi_exporter_{name}", documentation, labels, registry=self._registry)


class _Known(Collector):
    """
    The registry without what must not be on the page.

    Left out are: `_created` series, which only OpenMetrics would name like that and which double the page; values that
    are no finite number; families of which then nothing is left.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                sample
                for sample in metric.samples
                if math.isfinite(sample.value) and not sample.name.endswith("_created")
            ]
            if metric.samples:
                yield metric
