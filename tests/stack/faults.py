"""
Everything that goes wrong on the stage: how it begins and ends there, which alerts must arrive because of it, and which
may besides. Whatever arrives and is not in this table is a false alarm.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exporter.braze.endpoints import Endpoint
from tests.e2e.worlds import finish_sync
from tests.stack.cast import ELSEWHERE, PLACES, SYNCS, TWIN, WAYS, id_of
from tests.stack.receiver import Alert
from tests.stack.stage import Stage

Act = Callable[[Stage], object]


@dataclass(frozen=True)
class Fault:
    """
    Something that goes wrong.

    Args:
        name: Says what.
        alerts: Must arrive.
        begin: Makes it go wrong.
        end: Mends it.
        also: What may arrive besides.
        from_start: It begins before anybody looks, because its alert asks what has been for longer than the test.
        through_restart: It lasts until the exporter of the syncs has been killed and is back.
        after: The fault that has ended before this one begins.

    """

    name: str
    alerts: frozenset[Alert]
    begin: Act
    end: Act
    also: frozenset[Alert] = frozenset()
    from_start: bool = False
    through_restart: bool = False
    after: str = ""


def _named(names: Iterable[str], workspace: str = "", integration: str = "") -> frozenset[Alert]:
    return frozenset(Alert(f"BrazeCDI{name}", workspace, integration) for name in names)


def _of_sync(
    problem: str,
    place: str,
    actor: str,
    *alerts: str,
    also: frozenset[Alert] = frozenset(),
    from_start: bool = False,
) -> Fault:
    """Return a problem of the simulator with one integration's syncs."""
    return Fault(
        f"{problem} of {place}/{actor}",
        _named(alerts, place, actor),
        lambda stage: stage.switch(problem, id_of(place, actor)),
        lambda stage: stage.clear(problem, id_of(place, actor)),
        also,
        from_start,
        through_restart=place == "syncs",
    )


def _of_workspace(
    problem: str,
    place: str,
    *alerts: str,
    also: frozenset[Alert] = frozenset(),
    from_start: bool = False,
    end: Act | None = None,
) -> Fault:
    """Return a problem of the simulator with one workspace."""
    return Fault(
        f"{problem} of {place}",
        _named(alerts, place),
        lambda stage: stage.switch(problem, place),
        end or (lambda stage: stage.clear(problem, place)),
        also,
        from_start,
    )


def _of_answers(
    fault: str,
    place: str,
    *alerts: str,
    of_actor: Iterable[str] = (),
    actor: str | None = None,
    endpoint: Endpoint | None = None,
    also: frozenset[Alert] = frozenset(),
    from_start: bool = False,
) -> Fault:
    """Return a fault of the simulator in front of Braze; *of_actor* are alerts of the one integration it meets."""
    where = f"{place}/{actor}" if actor else place
    integration_id = id_of(place, actor) if actor else None
    return Fault(
        f"{fault} in {where}",
        _named(alerts, place) | _named(of_actor, place, actor or ""),
        lambda stage: stage.mutate(where, fault, workspace=place, endpoint=endpoint, integration_id=integration_id),
        lambda stage: stage.set_right(where),
        also,
        from_start,
    )


def _burst(stage: Stage) -> None:
    """Let more syncs finish between two polls than a poll may walk back over."""

    def finish_many(_: object) -> None:
        for _number in range(12):
            finish_sync(stage.world, id_of("short", "burst"), word="success", rows_synced=1)

    stage.braze.call(finish_many)


FAULTS = (
    _of_sync("error", "syncs", "failed", "SyncFailed"),
    _of_sync("error", "syncs", "failing", "SyncFailing"),
    _of_sync("error", "syncs", "muted"),
    _of_sync("config_error", "syncs", "misconfigured", "SyncConfigError"),
    _of_sync("partial", "syncs", "partial", "RowsFailed"),
    _of_sync("limit_exceeded", "syncs", "limited", "SyncFailing"),
    # An unknown status is an odd value, too.
    _of_answers(
        "novel_status",
        "syncs",
        actor="novel",
        of_actor=["SyncStatusUnknown"],
        endpoint=Endpoint.JOB_SYNC_STATUS,
        also=_named(["PayloadAnomalies"], "syncs"),
    ),
    _of_sync("silent_stop", "syncs", "silent", "SyncOverdue"),
    _of_sync("silent_stop", "unlisted", "silent", "SyncOverdue"),
    _of_sync("silent_stop", "syncs", "unborn", "NeverSynced", from_start=True),
    # No run of it is late, for its limit says so.
    _of_sync("silent_stop", "syncs", "unsuccessful", "SuccessTooOld"),
    _of_sync("paused", "syncs", "paused", "IntegrationPaused"),
    _of_sync("slow", "syncs", "slow", "SyncRunningLong"),
    _of_sync("never_finishes", "syncs", "stuck", "SyncStuck", also=_named(["SyncRunningLong"], "syncs", "stuck")),
    _of_sync("future_watermark", "syncs", "future", "WatermarkInFuture"),
    # On its way back the lag passes from critical to warning, which may arrive when all else has ended.
    _of_sync(
        "falling_behind",
        "syncs",
        "behind",
        "WatermarkBehind",
        also=_named(["WatermarkBehind"], "syncs", "behind"),
    ),
    _of_sync("falling_behind", "syncs", "empty", "RowsLow"),
    _of_workspace(
        "key_rotated",
        "rotated",
        "KeyRejected",
        end=lambda stage: stage.write_key("rotated", "key-of-rotated-rotated"),
    ),
    _of_workspace("job_sync_status_permission_lost", "denied", "PermissionMissing"),
    # It forgives an exporter that could read the list in the last ten minutes.
    _of_workspace("integrations_permission_lost", "unlisted", "ListForbidden", from_start=True),
    # It takes the mean of ten minutes.
    _of_workspace(
        "rate_limit_shared", "eaten", "BudgetLow", also=_named(["PollIntervalStretched"], "eaten"), from_start=True
    ),
    _of_workspace(
        "rate_limit_exhausted",
        "exhausted",
        "WorkspacePollsFailing",
        also=_named(["BudgetLow", "PollIntervalStretched", "ListForbidden"], "exhausted"),
    ),
    _of_answers(
        "throttle_ratelimit_retry_after",
        "throttled",
        "RateLimited",
        "WorkspacePollsFailing",
        also=_named(["PollIntervalStretched"], "throttled"),
    ),
    # Not one poll since the start: a poll that hangs has a long timeout here.
    _of_answers(
        "hang",
        "hanging",
        "PollsStopped",
        also=_named(["WorkspacePollsFailing"], "hanging"),
        from_start=True,
    ),
    _of_answers("http_503", "broken", "WorkspacePollsFailing"),
    _of_answers(
        "http_500", "shaky", "PollsUnreliable", actor="one", of_actor=["IntegrationPollsFailing", "IntegrationStale"]
    ),
    # With nothing found so far: half an hour would have to pass otherwise.
    _of_answers("http_503", "undiscovered", "DiscoveryStale", endpoint=Endpoint.INTEGRATIONS, from_start=True),
    _of_answers("http_503", "stretched", "PollIntervalStretched", endpoint=Endpoint.INTEGRATIONS),
    _of_answers("negative_rows", "odd", "PayloadAnomalies", actor="one"),
    # The first answers that differ from those before are odd.
    Fault(
        "date_ahead in short",
        _named(["ClockSkewed"]),
        lambda stage: stage.mutate("short", "date_ahead", workspace="short", endpoint=None, integration_id=None),
        lambda stage: stage.set_right("short"),
        _named(["PayloadAnomalies"], "short"),
    ),
    Fault("a history gap", _named(["HistoryGap"], "short"), _burst, lambda _: None),
    Fault(
        "a broken configuration",
        _named(["ConfigReloadFailed"]),
        lambda stage: stage.configure(WAYS, "workspaces: none"),
        lambda stage: stage.configure(WAYS),
    ),
    Fault(
        "an integration that nobody configured",
        _named(["IntegrationsUnwatched"], "odd"),
        lambda _: None,
        lambda stage: stage.remove(id_of("odd", "stranger")),
        from_start=True,
    ),
    Fault(
        "a deleted integration",
        _named(["IntegrationGone"], "odd", "deleted"),
        lambda stage: stage.remove(id_of("odd", "deleted")),
        lambda stage: stage.take_out(WAYS, "deleted"),
        after="a broken configuration",
    ),
    Fault(
        "the state folder removed",
        _named(["StateNotPersistent", "StateWriteFailing"]),
        lambda stage: stage.lose_state(WAYS),
        lambda stage: stage.give_state_back(WAYS),
    ),
    Fault(
        "series dropped on the way to Prometheus",
        _named(["IntegrationsUnseen"], "unseen"),
        lambda stage: stage.hide("unseen"),
        lambda stage: stage.hide(),
    ),
    # Its twin, in another cluster, has the same name, watches the same workspace and goes on.
    Fault(
        "one exporter killed",
        _named(["ExporterReplicaDown"]) | _named(["WorkspaceUnwatched"], "elsewhere"),
        lambda stage: stage.kill(ELSEWHERE),
        lambda stage: stage.start(ELSEWHERE),
    ),
)

ALL_DOWN = Fault(
    "all exporters killed",
    _named(["ExporterDown"]),
    lambda stage: stage.kill(SYNCS, WAYS, ELSEWHERE, TWIN),
    lambda stage: stage.start(SYNCS, WAYS, ELSEWHERE, TWIN),
    # The first exporter that is back ends it. The others are down for a moment longer; and until they have polled, what
    # Braze refused before they went down is the latest that is known.
    _named(["ExporterReplicaDown"])
    | _named(["KeyRejected"], "rotated")
    | _named(["PermissionMissing"], "denied")
    | frozenset(Alert("BrazeCDIWorkspaceUnwatched", place.name) for place in PLACES),
)
"""Played last and alone: it holds back all others."""
