"""
Takes screenshots of the exporter's pages and of the dashboards into docs/pictures: `make screenshots`.

They show the end of a simulated month (`tools/month.py`). `SHOTS` lists those of the pages.
"""

import argparse
import os
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.components import component
from tools.chromium import Browser
from tools.dashboards.__main__ import View, draw_all
from tools.dashboards.reading import FOLDER, ROOT
from tools.evaluated import RULES, Stretch, evaluated
from tools.month import DRAWN, LAST, MONTH, OFTEN, SELDOM, Month, play


class Shot(NamedTuple):
    """One picture: its file, which page it shows, and how."""

    name: str
    page: str
    width: int
    height: int
    dark: bool = False


SHOTS = (
    Shot("status-page", "/", 1100, 720),
    Shot("status-page-dark", "/", 1100, 720, dark=True),
    Shot("status-page-phone", "/", 360, 740),
    Shot("integration-page", DRAWN, 1100, 900),
    Shot("integration-page-dark", DRAWN, 1100, 900, dark=True),
    Shot("integration-page-phone", DRAWN, 360, 740),
)

_FONTS = b"<style>* { font-family: DejaVu Sans !important } code { font-family: DejaVu Sans Mono !important }</style>"
"""A machine without a desktop has no fonts for its user interface, and would take one with serifs."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    pictures = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        samples = folder / "seldom.txt", folder / "often.txt"
        with samples[0].open("w") as seldom, samples[1].open("w") as often:
            month = play(datetime.now(UTC).replace(second=0, microsecond=0), read_names(), seldom, often)
        _take_pages(month, folder, pictures)
        end, day = month.now.timestamp(), month.now - LAST
        stretches = (
            Stretch((month.now - MONTH).timestamp(), day.timestamp(), SELDOM.total_seconds()),
            Stretch(day.timestamp(), end, OFTEN.total_seconds()),
        )
        views = {
            "braze-cdi-fleet": View(LAST.total_seconds() / 2, OFTEN.total_seconds()),
            "braze-cdi-integration": View(MONTH.total_seconds(), SELDOM.total_seconds()),
        }
        with evaluated(folder, samples, stretches) as prometheus:
            draw_all(prometheus, DRAWN, now=end, views=views, folder=pictures)


def read_names() -> set[str]:
    """All that dashboards and rules may read."""
    return set(re.findall(r"\w+", " ".join(path.read_text() for each in (FOLDER, RULES) for path in each.iterdir())))


def _take_pages(month: Month, folder: Path, pictures: Path) -> None:
    with Browser(component("chromium"), folder, {**os.environ, "HOME": str(folder)}) as browser:
        for shot in SHOTS:
            page = folder / "page.html"
            page.write_bytes(month.pages[shot.page] + _FONTS)
            browser.look(shot.width, shot.height, dark=shot.dark)
            browser.open(page.as_uri())
            path = pictures / f"{shot.name}.png"
            path.write_bytes(browser.screenshot())
            print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
