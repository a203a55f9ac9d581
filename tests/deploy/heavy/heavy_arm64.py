"""The image for arm64 is built by the same Dockerfile, holds nothing of this machine's kind, and runs; all emulated."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.heavy.base_systems import base_system
from tests.deploy.heavy.emulation import AARCH64, emulated_arm64
from tests.deploy.heavy.engine import Engine, engine
from tests.deploy.heavy.heavy_image import ask, health, stop
from tests.deploy.heavy.programs import IMAGE, REVISION, ROOT, VERSION, wait_until

NEEDS = ("debootstrap", "dockerd", "qemu-aarch64-static")
PLATFORM = "linux/arm64"
# Nothing but its own loopback: it asks nobody outside, and its port is never taken.
CONFINED = ("--platform", PLATFORM, "--network", "none", "--read-only", "--cap-drop", "ALL")

COMPILED = """
import os
for folder, _, names in os.walk("/opt/braze-cdi-exporter"):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            head = file.read(20)
        if head[:4] == b"\\x7fELF":
            print(int.from_bytes(head[18:20], "little"), name)
"""


@pytest.fixture(scope="module")
def foreign(tell: Callable[[str], None]) -> Iterator[Engine]:
    """An engine with the image for arm64 in it, on a Debian for arm64 with the Python version of the Dockerfile's."""
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    with emulated_arm64():
        system = base_system(base.rpartition("-")[2], "python3 python3-venv", "arm64")
        with engine() as own:
            own.import_base(system, base, "arm64")
            began = time.monotonic()
            arguments = ("--platform", PLATFORM, "--build-arg", f"REVISION={REVISION}", "--tag", IMAGE)
            own.docker("build", "--network", "host", *arguments, ROOT, limit=2400)
            tell(f"image for arm64 built in {time.monotonic() - began:.0f} s, emulated")
            yield own


def test_it_is_labelled_for_arm64(foreign: Engine) -> None:
    described = foreign.inspect(IMAGE)
    assert (described["Os"], described["Architecture"]) == ("linux", "arm64")
    assert described["Config"]["Labels"]["org.opencontainers.image.version"] == VERSION


def test_all_that_is_compiled_in_it_is_for_arm64(foreign: Engine, tell: Callable[[str], None]) -> None:
    said = foreign.docker("run", "--rm", *CONFINED, "--entrypoint", "python", IMAGE, "-c", COMPILED, limit=300)
    compiled = re.findall(r"^(\d+) (.+)$", said, re.MULTILINE)
    assert any(name.startswith("_pydantic_core") for _, name in compiled)
    assert {machine for machine, _ in compiled} == {str(AARCH64)}
    tell(f"image for arm64: {len(compiled)} compiled files, all of them for it")


def test_its_demo_answers_and_ends_cleanly(foreign: Engine, tell: Callable[[str], None]) -> None:
    run = ("run", "--detach", "--name", "foreign", *CONFINED, "--security-opt", "no-new-privileges")
    foreign.docker(*run, IMAGE, "demo", "--web.listen-address=:10273")
    try:
        seconds = wait_until(lambda: health(foreign, "foreign") == "healthy", limit=300, what="it is healthy")
        page = ask(foreign, "foreign", "/metrics")
        assert len(re.findall(r"^braze_cdi_up\{.*\} 1$", page, re.MULTILINE)) > 10
        assert ask(foreign, "foreign", "/").startswith("200")
        assert foreign.docker("exec", "foreign", "uname", "-m").strip() == "aarch64"
        assert stop(foreign, "foreign") == 0
    finally:
        foreign.docker("rm", "--force", "--volumes", "foreign", code=None)
    tell(f"demo for arm64: healthy after {seconds:.0f} s, emulated; stopped with exit code 0")
