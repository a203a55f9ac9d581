"""A defect in what is shown of one integration costs that row: nothing is counted wrong, and no other one suffers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exporter.metrics import page
from exporter.poller import shell
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

    def fail(*values: Any) -> Any:
        if id_in(values) == integration_id:
            raise ZeroDivisionError("a defect")
        return real(*values)

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
