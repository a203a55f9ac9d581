"""One odd record or field costs that record or field: it is counted as an anomaly, and everything else is used."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.braze.endpoints import Endpoint
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import Samples, peek, sample, scrape
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.odd_records import ODD_RECORDS, ONLY_LISTED
from tests.simulated import SimulatedBraze
from tests.world import World

KIND_OF = {
    "malformed_start": "sync_start_time_invalid",
    "malformed_times": "sync_start_time_invalid",
    "numeric_times": "sync_start_time_invalid",
    "far_future_times": "sync_start_time_in_future",
    "null_start": "sync_start_time_missing",
    "null_everything": "sync_start_time_missing",
    "missing_fields": "job_status_unknown",
    "unknown_status": "job_status_unknown",
    "novel_status": "job_status_unknown",
    "odd_status_type": "job_status_unknown",
    "negative_rows": "rows_synced_invalid",
    "huge_rows": "rows_synced_invalid",
    "fractional_rows": "rows_synced_invalid",
    "text_rows": "rows_synced_invalid",
    "nan_rows": "rows_synced_invalid",
    "finish_before_start": "sync_finish_time_before_start",
    "no_object": "record_not_an_object",
}
WITHDRAWN = {"watermark_behind": "finished_sync_changed"}
"""Odd once it is no longer so: the record has changed after the sync finished."""
PERHAPS = {"same_start": "finished_sync_changed"}
"""Odd where the sync that began at the same moment had been read before."""
QUIET = ODD_RECORDS.keys() - KIND_OF.keys() - WITHDRAWN.keys() - PERHAPS.keys() - ONLY_LISTED
"""Nothing is odd about these: other spellings, repeats, and what may well be so."""


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world(*KIND_OF, *WITHDRAWN, *PERHAPS, *QUIET)) as braze:
        yield braze


def finish_everywhere(world: World) -> None:
    for name in world.workspaces:
        finish_sync(world, f"id-of-{name}", word="success", rows_synced=23)


def switch_on(world: World) -> None:
    for name in world.workspaces:
        world.faults.add(name, workspace=name, endpoint=Endpoint.JOB_SYNC_STATUS, record=0)


def counted(page: Samples) -> dict[str, float]:
    """Return how many syncs have been counted in each workspace, whatever their status."""
    found: dict[str, float] = {}
    for (name, labels), value in page.items():
        if name == "braze_cdi_syncs_total":
            workspace = dict(labels)["workspace"]
            found[workspace] = found.get(workspace, 0) + value
    return found


def anomalies(page: Samples, workspace: str) -> set[str]:
    return {
        dict(labels)["kind"]
        for (name, labels) in page
        if name == "braze_cdi_exporter_payload_anomalies_total" and dict(labels)["workspace"] == workspace
    }


def oddities_seen(page: Samples) -> bool:
    """Whether each odd record has been read, of which some are odd once they are no longer so."""
    read = counted(page)
    return all(kind in anomalies(page, name) for name, kind in KIND_OF.items()) and all(
        read[name] for name in WITHDRAWN
    )


def withdrawn_seen(page: Samples) -> bool:
    return all(kind in anomalies(page, name) for name, kind in WITHDRAWN.items())


def test_an_odd_record_is_counted_as_an_anomaly_and_the_rest_is_used(braze: SimulatedBraze, tmp_path: Path) -> None:
    names = list(braze.world.workspaces)
    write_config(tmp_path, [workspace_entry(braze.world, name, braze.url) for name in names])
    with Daemon(tmp_path) as daemon:
        wait_for("all are up", lambda: peek(daemon.port, "braze_cdi_up") == [1] * len(names))

        braze.call(switch_on)
        braze.call(finish_everywhere)
        wait_for("every oddity was seen", lambda: oddities_seen(scrape(daemon.port)))
        # The record before the odd one is good, and counts.
        braze.call(finish_everywhere)
        wait_for("the good records count", lambda: min(counted(scrape(daemon.port)).values()) >= 1)
        wait_for("what was odd is no longer so", lambda: withdrawn_seen(scrape(daemon.port)))
        page = scrape(daemon.port, openmetrics=True)
        assert peek(daemon.port, "braze_cdi_up") == [1] * len(names)
        assert [name for name in QUIET if anomalies(page, name)] == []
        assert all(anomalies(page, name) == {kind} for name, kind in WITHDRAWN.items())
        assert all(anomalies(page, name) <= {kind} for name, kind in PERHAPS.items())
        for name in names:
            known = {"integration_id": f"id-of-{name}", "integration_name": "users"}
            assert sample("braze_cdi_last_success_timestamp_seconds", workspace=name, **known) in page

        # Once all is readable, each of the two syncs counts once.
        braze.call(lambda world: world.faults.clear())
        wait_for("all count", lambda: counted(scrape(daemon.port)) == dict.fromkeys(names, 2))
        assert peek(daemon.port, "braze_cdi_up") == [1] * len(names)
