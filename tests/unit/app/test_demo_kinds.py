"""The demo shows each kind of problem there is, within ten minutes."""

from datetime import timedelta

from exporter.app.demo import QUIET_SECONDS, demo_config
from exporter.domain.health import KINDS
from exporter.simulator.presets import begin_later_problems, populate
from tests.polling import Polling, in_virtual_time
from tests.world import World

AT_ONCE = {"rows_low"}
"""Seen from the first minute on, though only the past tells that this sync is unlike others."""


@in_virtual_time
async def test_each_kind_of_problem_is_seen_within_ten_minutes(braze: Polling) -> None:
    braze.world = World(1, braze.clock.true_now())
    populate(braze.world)
    for one in demo_config(braze.world, 0).workspaces:
        settings = one.settings
        history = timedelta(seconds=settings.history_seconds)
        braze.watch(settings.name, configured=settings.integrations, poll=settings.poll, history=history)
    seen = set[str]()
    for step in range(40):
        if step * 15 >= QUIET_SECONDS > (step - 1) * 15:
            begin_later_problems(braze.world)
        await braze.passes(seconds=15)
        seen |= {dict(labels)["problem"] for _, labels in braze.values("problem")}
        if step == 1:
            assert seen >= AT_ONCE
    assert seen == set(KINDS), "exporter/simulator/presets.py has an integration for each"
    assert timedelta(seconds=QUIET_SECONDS) < timedelta(minutes=2)
