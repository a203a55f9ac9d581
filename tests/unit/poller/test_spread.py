"""Workspaces do not read their lists at one moment: a hundred of them would hold up a scrape for seconds."""

from tests.polling import LIST, Polling, in_virtual_time


@in_virtual_time
async def test_each_workspace_reads_its_list_once_an_interval_and_at_a_time_of_its_own(braze: Polling) -> None:
    names = [f"workspace-{number}" for number in range(30)]
    for name in names:
        braze.world.add_workspace(name)
        braze.add("users", workspace=name)
        braze.watch(name, discovery=True)
    await braze.passes(minutes=5)
    began = braze.clock.monotonic()
    await braze.passes(minutes=20)
    asked = [one for one in braze.asked if one.endpoint is LIST and one.at_seconds >= began]
    assert {sum(one.workspace == name for one in asked) for name in names} <= {20, 21}
    in_a_second: dict[int, int] = {}
    for one in asked:
        in_a_second[int(one.at_seconds)] = in_a_second.get(int(one.at_seconds), 0) + 1
    assert max(in_a_second.values()) <= 5
