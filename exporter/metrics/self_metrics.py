"""
The metrics about the exporter itself.

Decides names, labels, buckets and which series exist before anything has happened; callers report events. An unknown
value is absent: a gauge that was never set, or set to something other than a number, shows no sample, and a family
without samples shows not even its name. process_* and python_info come from prometheus-client's own collectors.
"""

import platform
from collections.abc import Callable
from math import nan

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import REASONS
from exporter.metrics.instruments import Histogram, Instrument, Value
from exporter.metrics.text import Kind
from exporter.version import REVISION, VERSION

DURATION_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds; up to the default deadline of a request."""


class SelfMetrics:
    """
    Metrics about the exporter itself. Durations are seconds, times are seconds since 1970.

    Args:
        version: Of the exporter.
        revision: Of its source.
        log_lines_dropped: Gives the number of log lines lost so far.

    """

    def __init__(
        self,
        version: str = VERSION,
        revision: str = REVISION,
        *,
        log_lines_dropped: Callable[[], int] = int,
    ) -> None:
        self._instruments: list[Instrument] = []
        self._build = self._gauge(
            "build_info", "Always 1; the labels say which build this is.", "version", "revision", "python_version"
        )
        self._requests = self._counter(
            "api_requests_total",
            "Requests sent to Braze, by HTTP status of the answer, or error without an answer.",
            "workspace",
            "endpoint",
            "code",
        )
        self._request_seconds = Histogram(
            "braze_cdi_exporter_api_request_duration_seconds",
            "Seconds that requests to Braze took, failed ones included.",
            ("workspace", "endpoint"),
            buckets=DURATION_BUCKETS,
        )
        self._instruments.append(self._request_seconds)
        self._workspace_info = self._gauge(
            "workspace_info",
            "Always 1; the label is the address of Braze's dashboard, empty where it is not known.",
            "workspace",
            "dashboard_url",
        )
        self._limit = self._gauge(
            "api_rate_limit", "Requests Braze allows in its window, by its latest response.", "workspace", "endpoint"
        )
        self._remaining = self._gauge(
            "api_rate_limit_remaining",
            "Requests still allowed in the current window, by Braze's latest response.",
            "workspace",
            "endpoint",
        )
        self._reset = self._gauge(
            "api_rate_limit_reset_timestamp_seconds",
            "When the current window ends, by Braze's latest response, in seconds since 1970.",
            "workspace",
            "endpoint",
        )
        self._throttled = self._counter(
            "throttled_seconds_total", "Seconds that requests waited for the rate limit.", "workspace", "endpoint"
        )
        self._polls = self._counter("polls_total", "Polls of integrations, successful or not.", "workspace")
        self._failures = self._counter(
            "poll_failures_total", "Polls of integrations that failed, by reason.", "workspace", "reason"
        )
        self._interval = self._gauge(
            "poll_interval_seconds",
            "Poll interval in effect, longer than configured when polls cannot keep up.",
            "workspace",
        )
        self._interval_configured = self._gauge(
            "poll_interval_configured_seconds", "Poll interval that the configuration asks for.", "workspace"
        )
        self._anomalies = self._counter(
            "payload_anomalies_total",
            "Unexpected values in Braze's answers, worked around, by kind.",
            "workspace",
            "endpoint",
            "kind",
        )
        self._integrations = self._gauge(
            "integrations",
            "Integrations polled, by whether the configuration or the list names them.",
            "workspace",
            "source",
        )
        self._discovered = self._gauge(
            "discovery_last_success_timestamp_seconds",
            "When discovery last succeeded, in seconds since 1970.",
            "workspace",
        )
        self._unwatched = self._gauge(
            "unwatched_integrations",
            "Integrations that the key sees and nobody watches, drafts excluded.",
            "workspace",
        )
        self._history_read = self._gauge(
            "history_read_ratio",
            "Share of the history to learn from that has been read, 0 to 1.",
            "workspace",
        )
        self._skew = self._gauge(
            "clock_skew_seconds",
            "Time of day of this machine minus Braze's, by the Date of Braze's latest answers, on which ages are "
            "judged.",
            "workspace",
        )
        self._config_successful = self._gauge(
            "config_last_reload_successful",
            "Whether the latest loads of configuration and web configuration succeeded (1) or not (0).",
        )
        self._loaded = {"configuration": True, "web configuration": True}
        """The result of the latest attempt for each."""
        self._config_success_at = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded successfully, in seconds since 1970.",
        )
        self._persistent = self._gauge(
            "state_persistent", "1 while the state is on disk, 0 while it is in memory only."
        )
        self._state_failures = self._counter(
            "state_write_failures_total",
            "Failed writes of the state, and damaged state files set aside.",
        )
        self._log_lines_dropped = log_lines_dropped
        self._dropped = self._counter(
            "log_lines_dropped_total",
            "Log lines dropped because standard error was too slow or too many came at once.",
        )
        self._build.set(1, version, revision, platform.python_version())
        self._state_failures.add(0)
        self._registry = CollectorRegistry()
        PlatformCollector(registry=self._registry)
        ProcessCollector(registry=self._registry)

    def prepare_workspace(self, workspace: str) -> None:
        """Let the counters whose labels are known beforehand start at 0, so that a first failure is an increase."""
        self._polls.add(0, workspace)
        for reason in REASONS:
            self._failures.add(0, workspace, reason)
        for endpoint in Endpoint:
            self._throttled.add(0, workspace, endpoint)

    def workspace_info(self, workspace: str, dashboard_url: str) -> None:
        """Show the address of Braze's dashboard, for links; empty where it is not known."""
        self._workspace_info.forget("workspace", workspace)
        self._workspace_info.set(1, workspace, dashboard_url)

    def forget_workspace(self, workspace: str) -> None:
        """Take everything about *workspace* off the page."""
        for instrument in self._instruments:
            if "workspace" in instrument.labels:
                instrument.forget("workspace", workspace)

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None:
        """Count one request. *code* is the HTTP status, or "error" where no answer came."""
        self._requests.add(1, workspace, endpoint, code)
        self._request_seconds.observe(seconds, workspace, endpoint)

    def rate_limit_seen(
        self,
        workspace: str,
        endpoint: str,
        *,
        limit: float | None,
        remaining: float | None,
        reset_at_seconds: float | None,
    ) -> None:
        """Show the rate limit of a response; a missing value (None) leaves the gauge as it is."""
        for gauge, value in ((self._limit, limit), (self._remaining, remaining), (self._reset, reset_at_seconds)):
            if value is not None:
                gauge.set(value, workspace, endpoint)

    def throttled(self, workspace: str, endpoint: str, seconds: float) -> None:
        """Add the time one request waited for the rate limit."""
        self._throttled.add(seconds, workspace, endpoint)

    def poll_finished(self, workspace: str, reason: str | None) -> None:
        """Count one poll of one integration; *reason* is why it failed, None when it succeeded."""
        self._polls.add(1, workspace)
        if reason is not None:
            self._failures.add(1, workspace, reason)

    def poll_interval(self, workspace: str, seconds: float, configured_seconds: float) -> None:
        """Show how often integrations are polled, and how often they should be."""
        self._interval.set(seconds, workspace)
        self._interval_configured.set(configured_seconds, workspace)

    def anomalies(self, workspace: str, endpoint: str, kind: str, count: int) -> None:
        """Count *count* anomalies of one kind in an answer."""
        self._anomalies.add(count, workspace, endpoint, kind)

    def integrations(self, workspace: str, source: str, count: int) -> None:
        """Show how many integrations are known from *source* (config or discovery)."""
        self._integrations.set(count, workspace, source)

    def unwatched(self, workspace: str, count: int | None) -> None:
        """Show how many integrations the key sees and nobody watches; None where that is not known."""
        self._unwatched.set(nan if count is None else count, workspace)

    def history_read(self, workspace: str, ratio: float | None) -> None:
        """Show how much of the wanted history has been read, 0 to 1; None where none is."""
        self._history_read.set(nan if ratio is None else ratio, workspace)

    def discovery_succeeded(self, workspace: str, at_seconds: float) -> None:
        """Show when the list of integrations was last read whole."""
        self._discovered.set(at_seconds, workspace)

    def clock_skew(self, workspace: str, seconds: float) -> None:
        """Show by how much our clock is ahead of Braze's."""
        self._skew.set(seconds, workspace)

    def config_loaded(self, *, successful: bool, at_seconds: float) -> None:
        """Show the result of the latest attempt to load the configuration; only a success moves the time."""
        self._config_tried("configuration", successful)
        if successful:
            self._config_success_at.set(at_seconds)

    def web_config_loaded(self, successful: bool) -> None:
        """
        Show the result of the latest attempt to load the web configuration.

        It does not move the time: the web configuration is read again regularly, changed or not.
        """
        self._config_tried("web configuration", successful)

    def state_persistent(self, value: bool) -> None:
        """Show whether the state is on disk."""
        self._persistent.set(value)

    def state_write_failed(self) -> None:
        """Count one failed write of the state."""
        self._state_failures.add(1)

    def render(self, *, openmetrics: bool) -> bytes:
        """The page of these metrics, without the `# EOF` line that ends an OpenMetrics page."""
        self._dropped.set(self._log_lines_dropped())
        self_metrics = b"".join(instrument.render(openmetrics=openmetrics) for instrument in self._instruments)
        if openmetrics:
            process: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call] # not annotated there
            return self_metrics + process.removesuffix(b"# EOF\n")
        return self_metrics + generate_latest(self._registry)

    def _config_tried(self, which: str, successful: bool) -> None:
        self._loaded[which] = successful
        self._config_successful.set(all(self._loaded.values()))

    def _gauge(self, name: str, help_text: str, *labels: str) -> Value:
        return self._value(name, Kind.GAUGE, help_text, labels)

    def _counter(self, name: str, help_text: str, *labels: str) -> Value:
        return self._value(name, Kind.COUNTER, help_text, labels)

    def _value(self, name: str, kind: Kind, help_text: str, labels: tuple[str, ...]) -> Value:
        value = Value(f"braze_cdi_exporter_{name}", kind, help_text, labels)
        self._instruments.append(value)
        return value
