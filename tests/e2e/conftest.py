"""What several tests of the pages look at."""

from collections.abc import Iterator

import pytest

from tests.components import component
from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import peek


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo that has polled everything."""
    component("chromium")
    with Daemon(tmp_path_factory.mktemp("demo"), "demo") as demo:
        wait_for("all were polled", lambda: peek(demo.port, "braze_cdi_up") == [1] * 22)
        yield f"http://127.0.0.1:{demo.port}/"
