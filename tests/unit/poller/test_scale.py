"""One process holds ten thousand integrations in a hundred workspaces: a smoke test in virtual time."""

from datetime import timedelta

from exporter.simulator.schedule import every
from tests.polling import OWN, Polling, in_virtual_time
from tests.snapshots import shown_views

WORKSPACES, EACH = 100, 100


@in_virtual_time
async def test_a_hundred_workspaces_of_a_hundred_integrations_are_all_watched(braze: Polling) -> None:
    """`benchmarks/scale.py` does so in real time, with histories of many pages."""
    for workspace in (f"workspace {n:03}" for n in range(WORKSPACES)):
        braze.world.add_workspace(workspace)
        for n in range(EACH):
            schedule = every(minutes=60, phase=timedelta(seconds=36 * n))
            braze.add(f"integration {n:03}", schedule, workspace=workspace, history=timedelta(hours=2))
        braze.watch(workspace, discovery=True)
    await braze.passes(minutes=3)
    views = shown_views(braze.page)
    assert len(views) == WORKSPACES * EACH
    assert all(view.up for view in views)
    assert max(count for (_, endpoint), count in braze.most_in_a_minute().items() if endpoint is OWN) <= 80
    assert not [line for line in braze.lines() if "level=error" in line or "level=warn" in line]
