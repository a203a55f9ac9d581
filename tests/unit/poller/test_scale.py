"""One process holds ten thousand integrations in a hundred workspaces: a smoke test in virtual time."""

from datetime import UTC, datetime

from exporter.simulator.fleet import build_fleet
from tests.polling import OWN, Polling, in_virtual_time

WORKSPACES, EACH = 100, 100


@in_virtual_time
async def test_a_hundred_workspaces_of_a_hundred_integrations_are_all_watched(braze: Polling) -> None:
    braze.world = build_fleet(3, datetime(2026, 3, 2, 8, tzinfo=UTC), workspaces=WORKSPACES, integrations_each=EACH)
    for workspace in braze.world.workspaces:
        braze.watch(workspace, discovery=True)
    await braze.passes(minutes=3)
    snapshots = braze.page.snapshots()
    assert len(snapshots) == WORKSPACES * EACH
    assert all(snapshot.up for snapshot in snapshots)
    assert max(count for (_, endpoint), count in braze.most_in_a_minute().items() if endpoint is OWN) <= 80
    assert not [line for line in braze.lines() if "level=error" in line or "level=warn" in line]
