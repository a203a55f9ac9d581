"""The demo shows each kind of problem there is, within ten minutes."""

from datetime import timedelta

from exporter.app.demo import DEMO_INTERVAL_SECONDS, QUIET_SECONDS, STALE_AFTER_SECONDS
from exporter.domain.health import KINDS
from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration
from exporter.domain.past import HISTORY
from exporter.domain.settings import PollSettings
from exporter.simulator.presets import begin_later_problems, build_demo_world, demo_workspaces
from tests.polling import Polling, in_virtual_time

AT_ONCE = {"rows_low"}
"""Seen from the first minute on, though only the past tells that this sync is unlike others."""


@in_virtual_time
async def test_each_kind_of_problem_is_seen_within_ten_minutes(braze: Polling) -> None:
    braze.world = build_demo_world(1, braze.clock.true_now())
    for space in demo_workspaces(braze.world):
        configured = [
            Integration(
                space.name,
                each.integration_id,
                each.name,
                expected_interval_seconds=each.expected_interval_seconds,
                limits=LimitSettings(each.limits),
            )
            for each in space.integrations
        ]
        poll = PollSettings(DEMO_INTERVAL_SECONDS, 5.0, STALE_AFTER_SECONDS)
        braze.watch(space.name, configured=configured, poll=poll, history=HISTORY)
    seen = set[str]()
    for step in range(40):
        if step * 15 >= QUIET_SECONDS > (step - 1) * 15:
            begin_later_problems(braze.world)
        await braze.passes(seconds=15)
        seen |= {dict(labels)["problem"] for _, labels in braze.values("problem")}
        if step == 1:
            assert seen >= AT_ONCE
    assert seen == set(KINDS)
    assert timedelta(seconds=QUIET_SECONDS) < timedelta(minutes=2)
