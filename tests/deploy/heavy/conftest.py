"""
What the heavy tests share: an engine with the image really built in it, and figures for the end of the run.

Their files are called heavy_*.py, so that no ordinary run collects them; `make test-deploy` does. They need root, about
2 GB of disk and, the first time, ten minutes; everything they wait for has a limit.
"""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.engine import Engine, engine
from tests.deploy.heavy.programs import IMAGE, REVISION, ROOT, require_machine

FIGURES: list[str] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Ordinary runs pass here too, with tests that need nothing of it."""
    modules = {item.module for item in session.items if isinstance(item, pytest.Function)}
    needed = {program for module in modules for program in getattr(module, "NEEDS", ())}
    if needed:
        require_machine(needed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("what really ran")
    for line in FIGURES:
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def tell() -> Callable[[str], None]:
    """Keeps a line for the end of the run."""
    return FIGURES.append


@pytest.fixture(scope="session")
def docker(tell: Callable[[str], None]) -> Iterator[Engine]:
    """An engine that holds the Dockerfile's base: the same Debian and the same Python version, made by debootstrap."""
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    suite = base.rpartition("-")[2]
    system = base_system(suite, "python3 python3-venv")
    with engine() as own:
        own.import_base(system, base)
        tell(f"Docker {own.docker('version', '--format', '{{.Server.Version}}').strip()}; Debian {suite} for {base}")
        yield own


@pytest.fixture(scope="session")
def image(docker: Engine, tell: Callable[[str], None]) -> str:
    """The image, built as docs/installation.md says."""
    began = time.monotonic()
    arguments = ["--build-arg", f"REVISION={REVISION}", "--tag", IMAGE]
    docker.docker("build", "--network", "host", *arguments, ROOT, limit=900)
    tell(f"image built in {time.monotonic() - began:.0f} s")
    return IMAGE
