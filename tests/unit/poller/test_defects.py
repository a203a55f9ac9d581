"""A defect in what is shown of one integration costs that row: nothing is counted wrong, and no other one suffers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exporter.domain import transitions
from exporter.metrics import page
from exporter.poller import shell, workspace
from tests.polling import OWN, Polling, in_virtual_time


def id_in(values: tuple[Any, ...]) -> str:
    """Return which integration a call concerns."""
    for value in values:
        integration = getattr(value, "integration", None)
        if integration is not None:
            return str(integration.integration_id)
    raise AssertionError(values)


@contextmanager
def defect(owner: Any, name: str, integration_id: str) -> Iterator[None]:
    """Let a function raise for one integration."""
    real = getattr(owner, name)

    def fail(*values: Any, **named: Any) -> Any:
        if id_in(values) == integration_id:
            raise ZeroDivisionError("a defect")
        return real(*values, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fail)
        yield


@pytest.mark.parametrize(("owner", "name"), [(page.Page, "_prepare"), (shell, "build_view")])
def test_a_view_that_fails_leaves_its_polls_and_its_counts_as_they_are(owner: Any, name: str) -> None:
    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd, good = braze.add("odd"), braze.add("good")
        poller = braze.watch(configured=[odd, good])
        await braze.passes(minutes=2)
        with defect(owner, name, odd):
            for _ in range(20):
                braze.sync(odd)
                braze.sync(good)
                await braze.passes(minutes=1)
            assert braze.counted(good) == 20
            assert braze.requests(OWN, odd, within=600) >= 8
            assert poller.unhealthy() == ()
            assert braze.problems(odd) == {("stale", "critical")}
            assert len([line for line in braze.lines() if "level=error" in line]) == 1
            assert f"because of a defect of the exporter: {odd}" in " ".join(poller.notes())
        await braze.passes(minutes=2)
        assert (braze.counted(odd), braze.problems(odd)) == (20, set())
        assert "defect" not in " ".join(poller.notes())

    story()


@pytest.mark.parametrize(("owner", "name"), [(page.Page, "_prepare"), (shell, "build_view")])
def test_a_view_that_fails_from_the_start_keeps_nobody_from_starting(owner: Any, name: str) -> None:
    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd, good = braze.add("odd"), braze.add("good")
        braze.watch(configured=[odd, good])
        await braze.passes(minutes=2)
        await braze.restart()
        with defect(owner, name, odd):
            poller = braze.watch(configured=[odd, good])
            braze.sync(odd)
            braze.sync(good)
            await braze.passes(minutes=2)
            assert braze.counted(good) == 1
            assert poller.readiness.all.is_set()
        await braze.passes(minutes=2)
        assert braze.counted(odd) == 1

    story()


@pytest.mark.parametrize("discovery", [False, True])
def test_a_transition_that_fails_fails_the_polls_of_its_integration_and_loses_nothing(discovery: bool) -> None:
    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd, good = braze.add("odd"), braze.add("good")
        poller = braze.watch(configured=[odd, good], discovery=discovery)
        await braze.passes(minutes=2)
        with defect(transitions, "with_expected", odd):
            for _ in range(20):
                braze.sync(odd)
                braze.sync(good)
                await braze.passes(minutes=1)
            assert (braze.counted(good), braze.value("up", good), braze.value("up", odd)) == (20, 1, 0)
            assert braze.requests(OWN, odd, within=600) <= 20
            assert poller.unhealthy() == ()
            assert braze.problems(odd) == {("stale", "critical")}
            errors = [line for line in braze.lines() if "level=error" in line]
            assert [sum(word in line for line in errors) for word in ("poll crashed", "record of the list")] == [1, 1]
            assert f"because of a defect of the exporter: {odd}" in " ".join(poller.notes())
        await braze.passes(minutes=12)
        assert (braze.counted(odd), braze.value("up", odd), braze.problems(odd)) == (20, 1, set())
        assert "defect" not in " ".join(poller.notes())

    story()


def test_a_transition_that_fails_when_the_list_was_read_ends_no_listing() -> None:
    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd, good, late = braze.add("odd"), braze.add("good"), braze.add("late")
        poller = braze.watch(discovery=True)
        await braze.passes(minutes=2)
        braze.unlist(odd)
        with defect(workspace, "on_gone", odd):
            await braze.passes(minutes=10)
            braze.sync(good)
            braze.sync(late)
            await braze.passes(minutes=2)
            assert (braze.counted(good), braze.counted(late)) == (1, 1)
            assert poller.unhealthy() == ()
            assert len([line for line in braze.lines() if "level=error" in line]) == 1

    story()


def test_one_that_is_found_by_a_record_that_fails_is_shown_before_its_first_poll() -> None:
    async def no_poll(*_args: Any) -> None:
        """Never ends well or badly."""

    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd = braze.add("odd")
        with defect(workspace, "on_listing", odd), pytest.MonkeyPatch.context() as patch:
            patch.setattr(workspace.WorkspacePoller, "poll", no_poll)
            braze.watch(discovery=True)
            await braze.passes(minutes=1)
            assert braze.shown(odd)

    story()


def test_a_kept_state_that_fails_keeps_nobody_from_starting_and_is_not_lost() -> None:
    @in_virtual_time
    async def story(braze: Polling) -> None:
        odd, good = braze.add("odd"), braze.add("good")
        braze.watch(configured=[odd, good])
        await braze.passes(minutes=2)
        braze.sync(odd)
        await braze.passes(minutes=2)
        await braze.restart()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shell, "on_start", fail)
            braze.watch(configured=[odd, good])
            await braze.passes(minutes=1)
        braze.sync(odd)
        await braze.passes(minutes=2)
        assert braze.counted(odd) == 2

    def fail(*_values: Any) -> Any:
        raise ZeroDivisionError("a defect")

    story()
