"""Draws dashboards with Grafana's own components in Chromium; `tools/fetch-grafana-drawing` bundles them."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

from tools.chromium import Browser
from tools.dashboards.reading import ROOT

BUNDLE = ROOT / ".tools" / "grafana-drawing"
_SETTLE_SECONDS = 2.0
_PAGE = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="draw.css"><script src="draw.js"></script>'
_NOTE = b"tEXt"
_HEAD = 8
_AROUND = 12


def take_picture(browser: Browser, folder: Path, data: dict[str, Any]) -> bytes:
    """Return a PNG of what `asking.drawn` gave, which notes the titles of its panels. *folder* takes the page."""
    page = folder / "page.html"
    if not page.exists():
        page.write_text(_PAGE)
        for name in ("draw.js", "draw.css"):
            (folder / name).symlink_to(BUNDLE / name)
    browser.look(data["width"], 1000, dark=data["dark"])
    browser.open(page.as_uri())
    size = browser.evaluate(f"draw({json.dumps(data)})")
    browser.look(size["width"], size["height"], dark=data["dark"])
    browser.evaluate(f"new Promise(done => setTimeout(done, {1000 * _SETTLE_SECONDS}))")
    return with_titles(browser.screenshot(), [panel["title"] for panel in data["dashboard"]["panels"]])


def with_titles(png: bytes, titles: list[str]) -> bytes:
    """*png* with *titles* as a note of its own, before its end."""
    body = _NOTE + b"Panels\0" + "\n".join(titles).encode("latin-1")
    chunk = struct.pack(">I", len(body) - len(_NOTE)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-_AROUND] + chunk + png[-_AROUND:]


def titles_of(png: bytes) -> list[str]:
    """The titles that `with_titles` has noted."""
    place = _HEAD
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == _NOTE:
            return png[place + 8 : place + 8 + length].partition(b"\0")[2].decode("latin-1").split("\n")
        place += length + _AROUND
    return []
