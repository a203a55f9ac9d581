"""
The JSON documents' types, and their JSON Schema, which is served.

A promise: within one `schema_version` a field is added, never renamed or retyped. The renderers return these types. To
be imported for types only, or late: pydantic takes its time.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from exporter.braze.endpoints import Endpoint

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, in UTC")]


def _told(description: str) -> Any:
    return Field(description=description)


class SyncDocument(TypedDict):
    """A sync."""

    job_status: Annotated[str, _told("running, success, partial, error, config_error, limit_exceeded or unknown")]
    sync_start_time: Time
    sync_finish_time: Time | None
    duration_seconds: Annotated[float | None, _told("from start to finish, never negative")]
    last_timestamp_synced: Time | None
    rows_synced: int | None
    rows_failed_with_errors: int | None


class ProblemDocument(TypedDict):
    """Something that is wrong."""

    kind: Annotated[str, _told("docs/runbook.md explains each")]
    severity: Annotated[str, _told("info, warning or critical")]
    since: Annotated[Time | None, _told("since when it has held; of a streak of failures its first sync")]
    value: Annotated[float | None, _told("measured against the limit: seconds, a share from 0 to 1, or a count")]
    limit: Annotated[float | None, _told("in the same unit")]
    text: Annotated[str, _told("for people; its wording may change")]


class LimitDocument(TypedDict):
    """A limit in effect."""

    value: Annotated[float | None, _told("a count, a share from 0 to 1, or seconds; null where nothing is limited")]
    source: Annotated[str, _told("configured, learned, default or off")]
    learned_from_syncs: int | None


class UsualDocument(TypedDict):
    """What was learned from the integration's past."""

    learned_syncs: Annotated[int, _told("how many syncs that rests on; 0 while nothing is learned")]
    sync_duration_seconds: float | None
    rows_synced: Annotated[float | None, _told("usual at the latest finished sync's time of the week")]
    changes: Annotated[list[str], _told("what has become usual for good, and since when; for people")]


class FailureDocument(TypedDict):
    """Why a poll failed."""

    reason: Annotated[str, _told("as label `reason` of braze_cdi_exporter_poll_failures_total")]
    message: Annotated[str, _told("for people; its wording may change")]
    at: Time


class PollDocument(TypedDict):
    """How asking Braze goes."""

    up: Annotated[bool | None, _told("whether the latest poll succeeded; null before the first")]
    stale: Annotated[bool, _told("whether the gauges about syncs have left the metrics page")]
    last_at: Time | None
    last_success_at: Time | None
    next_at: Annotated[Time | None, _told("when Braze is asked again at the latest")]
    stale_at: Annotated[Time | None, _told("when the values become stale, unless a poll succeeds before")]
    failing_since: Annotated[Time | None, _told("when the first of the polls failed that have failed in a row")]
    failure: FailureDocument | None


class TotalsDocument(TypedDict):
    """What has been counted since the integration was first seen."""

    syncs: Annotated[dict[str, int], _told("finished syncs by status")]
    rows_synced: int
    rows_failed_with_errors: int
    duration_seconds: float


class IntegrationDocument(TypedDict):
    """One integration."""

    id: str
    name: str
    labels: dict[str, str]
    integration_type: Annotated[str | None, _told("as Braze words it, like the next three")]
    integration_status: str | None
    warehouse_type: str | None
    app_group_id: str | None
    dashboard_url: Annotated[str | None, _told("its page in Braze's dashboard")]
    grafana_url: Annotated[str | None, _told("its dashboard in Grafana, if the configuration says where that is")]
    severity: Annotated[str, _told("of the worst problem: ok, info, warning or critical")]
    problems: Annotated[list[ProblemDocument], _told("worst first")]
    limits: Annotated[
        dict[str, LimitDocument], _told("by key of the configuration, and rows_synced_upper; empty once it is gone")
    ]
    usual: UsualDocument
    poll: PollDocument
    latest_sync: Annotated[SyncDocument | None, _told("running included")]
    latest_finished_sync: SyncDocument | None
    last_success_at: Annotated[Time | None, _told("finish of the latest sync with status success")]
    last_timestamp_synced: Annotated[Time | None, _told("of the latest sync that has one")]
    last_timestamp_synced_lag_seconds: Annotated[float | None, _told("negative when it lies in the future")]
    consecutive_failed_syncs: int | None
    next_scheduled_run: Annotated[Time | None, _told("as Braze announces it")]
    expected_run_at: Annotated[Time | None, _told("the oldest run that no sync has met yet, else the next one")]
    start_deadline_at: Annotated[Time | None, _told("until when the next sync must have started")]
    totals: TotalsDocument | None
    history_gaps: Annotated[int | None, _told("how often the last known sync was not found again")]
    row_errors_until: Annotated[Time | None, _told("until when Braze keeps errors of single rows, if any failed")]
    history: Annotated[list[SyncDocument], _told("the latest syncs known, latest first, at most 20")]


class RequestDocument(TypedDict):
    """A request to Braze."""

    at: Annotated[Time, _told("when it ended")]
    endpoint: Annotated[str, _told(" or ".join(sorted(Endpoint)))]
    page: Annotated[int, _told("from 1")]
    outcome: Annotated[str, _told("the HTTP status, or the reason why there was no answer")]
    seconds: float
    rate_limit: Annotated[int | None, _told("as Braze's headers have it, like the next")]
    rate_limit_remaining: int | None
    why: Annotated[str, _told("for people; its wording may change")]


class WorkspaceDocument(TypedDict):
    """One workspace."""

    name: str
    rest_endpoint: str
    poll_interval_seconds: Annotated[float, _told("in effect; longer than configured when polls cannot keep up")]
    now: Annotated[Time, _told("Braze's clock, on which everything about its integrations is judged")]
    history_read_ratio: Annotated[float | None, _told("0 to 1; null where none is wanted")]
    notes: Annotated[list[str], _told("for people")]
    requests: Annotated[list[RequestDocument], _told("the latest to each endpoint")]
    integrations: list[IntegrationDocument]


@with_config(ConfigDict(title="/api/v1/status"))
class StatusDocument(TypedDict):
    """
    What is known of all integrations that were asked for.

    Spans are seconds. null means "not known", never 0. Texts are one line, at most 1,000 characters.
    """

    schema_version: int
    now: Time
    version: str
    revision: str | None
    started_at: Time
    uptime_seconds: float
    integration_count: Annotated[int, _told("integrations in this document")]
    problem_count: Annotated[int, _told("those with a problem that is a warning or worse")]
    workspaces: Annotated[list[WorkspaceDocument], _told("in the order of the configuration")]


class ExpectationDocument(TypedDict):
    """Why a next sync is expected, or why none is."""

    by: Annotated[str | None, _told("braze, expected_interval or rhythm; null where none is expected")]
    because: Annotated[str, _told("for people; its wording may change")]


class BandDocument(TypedDict):
    """The rows that are usual; fewer or more are not."""

    fewest: float
    usual: float
    most: float


class PastSyncDocument(SyncDocument):
    """A finished sync, to the second, beside what is usual at its time of the week by what is known now."""

    usual_rows: BandDocument | None


@with_config(ConfigDict(title="/api/v1/integrations/{workspace}/{id}"))
class DetailDocument(TypedDict):
    """One integration, with the past that its limits are learned from."""

    schema_version: int
    now: Annotated[Time, _told("Braze's clock")]
    workspace: str
    notes: list[str]
    integration: IntegrationDocument
    expectation: ExpectationDocument
    requests: Annotated[list[RequestDocument], _told("about it since the start, latest first, at most four")]
    list_requests: Annotated[list[RequestDocument], _told("for the list of all, likewise")]
    past: Annotated[list[PastSyncDocument], _told("latest first, at most 2,500")]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of both documents: `/api/v1/status` itself, and the other one in `$defs`."""
    detail = TypeAdapter(DetailDocument).json_schema()
    status = TypeAdapter(StatusDocument).json_schema()
    definitions = {**detail.pop("$defs"), **status.pop("$defs"), "DetailDocument": detail}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **status, "$defs": definitions}
