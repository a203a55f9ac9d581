"""The exporter's metrics about itself, read back from their page."""

import math

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import REASONS
from exporter.metrics.self_metrics import DURATION_BUCKETS, SelfMetrics
from tests.snapshots import read_series

PREFIX = "braze_cdi_exporter_"


def exercised() -> SelfMetrics:
    """Everything that can be reported was reported once, for workspace w."""
    self_metrics = SelfMetrics("1.2.3", "abc", log_lines_dropped=lambda: 3)
    self_metrics.prepare_workspace("w")
    self_metrics.request_answered("w", "job_sync_status", "200", 0.3)
    self_metrics.rate_limit_seen("w", "job_sync_status", limit=100, remaining=99, reset_at_seconds=1767225600.5)
    self_metrics.throttled("w", "integrations", 2.5)
    self_metrics.poll_finished("w", None)
    self_metrics.poll_finished("w", "timeout")
    self_metrics.poll_interval("w", 61, 60)
    self_metrics.anomalies("w", "job_sync_status", "bad_time", 3)
    self_metrics.integrations("w", "config", 10)
    self_metrics.discovery_succeeded("w", 1767225600)
    self_metrics.config_loaded(successful=True, at_seconds=1767225600)
    self_metrics.state_persistent(value=False)
    self_metrics.state_write_failed()
    return self_metrics


def samples(self_metrics: SelfMetrics) -> dict[str, float]:
    """Name and labels, as a line without the value -> value; without what prometheus-client adds by itself."""
    series = read_series(self_metrics.render(openmetrics=False))
    return {
        name.removeprefix(PREFIX) + "".join(f" {label}={value}" for label, value in labels): number
        for (name, labels), number in series.items()
        if name.startswith(PREFIX)
    }


def test_what_was_reported_is_shown() -> None:
    shown = samples(exercised())
    expected = {
        "api_requests_total code=200 endpoint=job_sync_status workspace=w": 1,
        "api_request_duration_seconds_count endpoint=job_sync_status workspace=w": 1,
        "api_request_duration_seconds_sum endpoint=job_sync_status workspace=w": 0.3,
        "api_request_duration_seconds_bucket endpoint=job_sync_status le=0.25 workspace=w": 0,
        "api_request_duration_seconds_bucket endpoint=job_sync_status le=0.5 workspace=w": 1,
        "api_rate_limit endpoint=job_sync_status workspace=w": 100,
        "api_rate_limit_remaining endpoint=job_sync_status workspace=w": 99,
        "api_rate_limit_reset_timestamp_seconds endpoint=job_sync_status workspace=w": 1767225600.5,
        "throttled_seconds_total endpoint=integrations workspace=w": 2.5,
        "polls_total workspace=w": 2,
        "poll_failures_total reason=timeout workspace=w": 1,
        "poll_interval_seconds workspace=w": 61,
        "poll_interval_configured_seconds workspace=w": 60,
        "payload_anomalies_total endpoint=job_sync_status kind=bad_time workspace=w": 3,
        "integrations source=config workspace=w": 10,
        "discovery_last_success_timestamp_seconds workspace=w": 1767225600,
        "config_last_reload_successful": 1,
        "config_last_reload_success_timestamp_seconds": 1767225600,
        "state_persistent": 0,
        "state_write_failures_total": 1,
        "log_lines_dropped_total": 3,
    }
    assert expected.items() <= shown.items()


def test_build_info_tells_the_versions() -> None:
    (info,) = (name for name in samples(exercised()) if name.startswith("build_info"))
    assert " revision=abc version=1.2.3" in info
    assert " python_version=3." in info


def test_only_what_is_known_is_there_at_the_start() -> None:
    names = {name.split()[0] for name in samples(SelfMetrics())}
    assert names == {"build_info", "log_lines_dropped_total", "state_write_failures_total"}


def test_a_prepared_workspace_counts_from_zero() -> None:
    self_metrics = SelfMetrics()
    self_metrics.prepare_workspace("w")
    shown = {name: value for name, value in samples(self_metrics).items() if "workspace=w" in name}
    assert shown == {
        "polls_total workspace=w": 0,
        **{f"poll_failures_total reason={reason} workspace=w": 0 for reason in REASONS},
        **{f"throttled_seconds_total endpoint={endpoint} workspace=w": 0 for endpoint in Endpoint},
    }


def test_preparing_again_keeps_what_was_counted() -> None:
    self_metrics = exercised()
    self_metrics.prepare_workspace("w")
    assert samples(self_metrics) == samples(exercised())


def test_a_forgotten_workspace_leaves_nothing_and_others_stay() -> None:
    self_metrics = exercised()
    self_metrics.poll_finished("other", None)
    self_metrics.forget_workspace("w")
    left = samples(self_metrics)
    assert not [name for name in left if "workspace=w" in name]
    assert left["polls_total workspace=other"] == 1


def test_what_an_answer_does_not_say_about_the_limit_stays() -> None:
    self_metrics = exercised()
    self_metrics.rate_limit_seen("w", "job_sync_status", limit=None, remaining=98, reset_at_seconds=None)
    shown = samples(self_metrics)
    assert shown["api_rate_limit endpoint=job_sync_status workspace=w"] == 100
    assert shown["api_rate_limit_remaining endpoint=job_sync_status workspace=w"] == 98


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_finite_number_is_absent(value: float) -> None:
    self_metrics = SelfMetrics()
    self_metrics.rate_limit_seen("w", "integrations", limit=value, remaining=1, reset_at_seconds=None)
    limits = {name for name in samples(self_metrics) if name.startswith("api_rate_limit")}
    assert limits == {"api_rate_limit_remaining endpoint=integrations workspace=w"}


def test_a_failed_reload_keeps_the_time_of_the_last_good_one() -> None:
    self_metrics = exercised()
    self_metrics.config_loaded(successful=False, at_seconds=1767229200)
    shown = samples(self_metrics)
    assert shown["config_last_reload_successful"] == 0
    assert shown["config_last_reload_success_timestamp_seconds"] == 1767225600


@pytest.mark.parametrize(("configuration", "web", "shown"), [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)])
def test_a_reload_was_successful_while_the_latest_try_of_either_configuration_was(
    configuration: int, web: int, shown: int
) -> None:
    self_metrics = exercised()
    self_metrics.config_loaded(successful=bool(configuration), at_seconds=1767229200)
    self_metrics.web_config_loaded(bool(web))
    assert samples(self_metrics)["config_last_reload_successful"] == shown
    self_metrics.web_config_loaded(True)
    self_metrics.config_loaded(successful=True, at_seconds=1767229300)
    assert samples(self_metrics)["config_last_reload_successful"] == 1


def test_the_web_configuration_does_not_move_the_time_of_the_last_good_reload() -> None:
    self_metrics = exercised()
    for successful in (True, False, True):
        self_metrics.web_config_loaded(successful)
        assert samples(self_metrics)["config_last_reload_success_timestamp_seconds"] == 1767225600


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_workspace_of_any_characters_is_shown_and_forgotten(*, openmetrics: bool) -> None:
    self_metrics = SelfMetrics()
    self_metrics.prepare_workspace('a\r\ud800"\\\n')
    page = self_metrics.render(openmetrics=openmetrics) + (b"# EOF\n" if openmetrics else b"")
    workspaces = {
        dict(labels)["workspace"] for name, labels in read_series(page, openmetrics=openmetrics) if "polls" in name
    }
    assert workspaces == {'a\ufffd\ufffd"\\\n'}
    self_metrics.forget_workspace('a\r\ud800"\\\n')
    assert b"polls_total" not in self_metrics.render(openmetrics=openmetrics)


def test_the_openmetrics_page_is_left_open_for_the_caller_to_end() -> None:
    assert not exercised().render(openmetrics=True).endswith(b"# EOF\n")


def test_there_are_process_metrics_and_python_info_but_no_created_series() -> None:
    names = {name for name, _ in read_series(exercised().render(openmetrics=False))}
    others = {name for name in names if not name.startswith(PREFIX)}
    assert "python_info" in others
    assert "process_resident_memory_bytes" in others
    assert all(name == "python_info" or name.startswith("process_") for name in others)
    assert not [name for name in names if name.endswith("_created")]


def test_there_are_few_buckets_up_to_the_default_deadline() -> None:
    assert len(DURATION_BUCKETS) <= 8
    assert DURATION_BUCKETS[-1] == 20
