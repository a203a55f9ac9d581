"""The past of one integration: durations, rows, watermark, runs, outcomes by day, polls."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.source import style
from deploy.grafana.source.frame import Band, Heading
from deploy.grafana.source.parts import Look, Query, bars, lines, timeline
from deploy.grafana.source.queries import ONE, I, by_day, latest, since

_DAYS = 14


def past_bands() -> list[Heading | Band]:
    return [
        Heading("Syncs"),
        Band(8, [(12, _durations()), (12, _watermark())]),
        Band(8, [(12, _rows()), (12, _failed_rows())]),
        Band(8, [(24, _runs())]),
        Heading("Day by day"),
        Band(7, [(12, _rows_by_day()), (12, _syncs_by_day())]),
        Heading("Polls"),
        Band(5, [(12, _polls()), (12, _poll_age())]),
    ]


def _durations() -> model.Panel:
    return lines(
        "Duration",
        "How long the latest finished sync took, how long is usual, how long the running one has been running, and"
        " from when on that is a problem. The scale is logarithmic.",
        Look("s"),
        Query(latest("braze_cdi_last_sync_duration_seconds", ONE), legend="latest finished", colour=style.OK),
        Query(latest("braze_cdi_usual_sync_duration_seconds", ONE), legend="usual", colour=style.QUIET, dashed=True),
        Query(
            f"{since('braze_cdi_last_sync_start_timestamp_seconds', ONE)} and on (workspace, integration_id)"
            f' braze_cdi_last_sync_status{{{ONE}, status="running"}} == 1',
            legend="running",
            colour=style.RUNNING,
        ),
        _limit("braze_cdi_sync_duration_limit_seconds"),
        log=True,
    )


def _watermark() -> model.Panel:
    return lines(
        "Watermark over time",
        "How old the latest row in Braze is, by its UPDATED_AT: now (over a long time, the oldest of each step), and"
        " when the latest sync finished, which is what the limit is for. Negative, in the red area: it lies in the"
        " future, and Braze skips every row dated before it.",
        Look("s", limits=style.LAG),
        Query(
            # Between syncs it rises and falls: drawn as it is, a month would be one block.
            f"max by ({I}) (max_over_time(braze_cdi_last_timestamp_synced_lag_seconds{{{ONE}}}[$__rate_interval]))",
            legend="now",
            colour=style.QUIET,
        ),
        Query(latest("braze_cdi_last_sync_lag_seconds", ONE), legend="at the finish", colour=style.RUNNING),
        _limit("braze_cdi_last_timestamp_synced_lag_limit_seconds"),
        area=True,
    )


def _rows() -> model.Panel:
    return lines(
        "Rows of the latest finished sync",
        "With what is usual at that time of the week. As long as a value stays, no further sync has finished, or it had"
        " the same number.",
        Look("locale", decimals=0, least=0),
        Query(latest("braze_cdi_last_sync_rows_synced", ONE), legend="synced", colour=style.OK),
        Query(latest("braze_cdi_last_sync_rows_failed_with_errors", ONE), legend="failed", colour=style.CRITICAL),
        Query(latest("braze_cdi_usual_rows_synced", ONE), legend="usual", colour=style.QUIET, dashed=True),
        _limit("braze_cdi_rows_synced_lower_limit", "lower limit"),
        _limit("braze_cdi_rows_synced_upper_limit", "upper limit", band_to="lower limit"),
    )


def _failed_rows() -> model.Panel:
    return lines(
        "Share of rows that failed",
        "Of the latest finished sync, and from when on that is a problem.",
        Look("percentunit", least=0),
        Query(latest("braze_cdi_last_sync_failed_rows_ratio", ONE), legend="failed", colour=style.CRITICAL),
        _limit("braze_cdi_failed_rows_ratio_limit"),
    )


def _limit(metric: str, name: str = "limit", band_to: str = "") -> Query:
    return Query(latest(metric, ONE), legend=name, colour=style.WARNING, dashed=True, band_to=band_to)


def _runs() -> model.Panel:
    # Not from now on: while polls fail, an old announcement would look overdue. The exporter does the same.
    polled = latest("braze_cdi_last_poll_success_timestamp_seconds", ONE)

    def least_until(metric: str) -> str:
        # It falls until the run and then rises: drawn as it is, a month of hourly runs would be one block.
        return f"min_over_time(({latest(metric, ONE)} - {polled})[$__rate_interval:1m])"

    return lines(
        "Time until the next run",
        "From the latest poll until the run that Braze announces, until the one that is expected (the oldest announced"
        " run that no sync has met, else the next one), and until that one's deadline. A deadline below zero: overdue."
        " Over a long time, the least of each step.",
        Look("s", limits=style.UNTIL_RUN),
        Query(
            least_until("braze_cdi_next_scheduled_run_timestamp_seconds"),
            legend="announced by Braze",
            colour=style.QUIET,
            dashed=True,
        ),
        Query(
            least_until("braze_cdi_expected_run_timestamp_seconds"),
            legend="expected",
            colour=style.RUNNING,
        ),
        Query(
            least_until("braze_cdi_start_deadline_timestamp_seconds"),
            legend="deadline",
            colour=style.WARNING,
            dashed=True,
        ),
        area=True,
    )


def _rows_by_day() -> model.Panel:
    return bars(
        "Rows by day",
        "Rows of all syncs that finished on each day, today so far included. Always the last two weeks.",
        Look("locale", decimals=0, least=0),
        Query(by_day("braze_cdi_rows_synced_total", ONE), legend="synced", colour=style.OK),
        Query(by_day("braze_cdi_rows_failed_with_errors_total", ONE), legend="failed", colour=style.CRITICAL),
        days=_DAYS,
    )


def _syncs_by_day() -> model.Panel:
    return bars(
        "Finished syncs by day",
        "Syncs that finished on each day, by how they ended, today so far included. Always the last two weeks.",
        Look("none", decimals=0, least=0, colours=style.STATUS_COLOURS),
        Query(by_day("braze_cdi_syncs_total", ONE, "status"), legend="{{status}}"),
        days=_DAYS,
    )


def _polls() -> model.Panel:
    return timeline(
        "Latest poll",
        "Whether the latest poll succeeded, for the exporter that does worst. Says nothing about syncs.",
        Look("none", words=style.POLLED),
        Query(f"min(braze_cdi_up{{{ONE}}})", legend="polls"),
    )


def _poll_age() -> model.Panel:
    return lines(
        "Since the last successful poll",
        "What this dashboard shows is as old as that. After `stale_after` the values disappear.",
        Look("s", least=0),
        Query(
            since("braze_cdi_last_poll_success_timestamp_seconds", ONE),
            legend="age of the values",
            colour=style.RUNNING,
        ),
    )
