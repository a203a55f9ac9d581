"""A real browser without a window: opens one page, and tells what became of it and what the browser had to say."""

import re
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from tests.components import component
from tests.e2e.command import PATIENCE_SECONDS, environment
from tools.chromium import FLAGS

_CONSOLE = re.compile(r"^\[.*:CONSOLE[:(]\d+\)?\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Opened:
    """A page that was opened."""

    dom: str
    """As HTML, after the browser has mended what is not well-formed."""
    console: list[str]
    """What a developer would see: errors, and what the content security policy has stopped."""


def open_page(url: str, directory: Path) -> Opened:
    """Open *url*; what the browser keeps goes into *directory*."""
    ended = _run(directory, "--dump-dom", url)
    return Opened(ended.stdout, _CONSOLE.findall(ended.stderr))


def first_pixel(url: str, directory: Path) -> tuple[int, int, int]:
    """Open *url*, and return the colour of the picture's upper left corner: red, green, blue."""
    picture = directory / "picture.png"
    _run(directory, f"--screenshot={picture}", url)
    content = picture.read_bytes()
    assert content[24:26] in {b"\x08\x02", b"\x08\x06"}, "neither RGB nor RGBA with 8 bits"
    # Behind the line's filter type. No filter changes the first pixel: what it would be compared with is 0.
    red, green, blue = zlib.decompressobj().decompress(_chunk(content, b"IDAT"), 4)[1:]
    return red, green, blue


def _chunk(png: bytes, name: bytes) -> bytes:
    """Return the content of a PNG's first chunk of that name."""
    place = png.index(name)
    return png[place + 4 : place + 4 + int.from_bytes(png[place - 4 : place], "big")]


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [
            component("chromium"),
            *FLAGS,
            "--enable-logging=stderr",
            f"--user-data-dir={directory / 'profile'}",
            *arguments,
        ],
        cwd=directory,
        env=environment(directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended
