"""
Takes screenshots of the exporter's pages and of the dashboards into docs/pictures: `make screenshots`.

They show the demo, with as much of its months of past syncs as it has read. `SHOTS` lists them.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.chromium import Browser
from tools.dashboards.__main__ import draw_all
from tools.dashboards.prometheus import Prometheus

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / ".tools" / "components" / "bin"
ADDRESS = "127.0.0.1:10279"
PROMETHEUS = "127.0.0.1:10280"
_SCRAPE_SECONDS = 10
_CONFIG = f"""
global: {{scrape_interval: {_SCRAPE_SECONDS}s, evaluation_interval: {_SCRAPE_SECONDS}s}}
rule_files: [{ROOT}/deploy/prometheus/rules/*.rules.yml]
scrape_configs:
  - job_name: braze-cdi-exporter
    static_configs: [{{targets: ["{ADDRESS}"]}}]
"""
_START_SECONDS = 60
DRAWN = "newsletter_consent"
"""The integration whose page and dashboard are shown."""


class Shot(NamedTuple):
    """One picture: its file, what is shown, and how."""

    name: str
    link: str
    """The text of a link on the front page that is followed first; empty for the front page itself."""
    width: int
    height: int
    dark: bool = False


SHOTS = (
    Shot("status-page", "", 1100, 720),
    Shot("status-page-dark", "", 1100, 720, dark=True),
    Shot("status-page-phone", "", 360, 740),
    Shot("integration-page", DRAWN, 1100, 900),
    Shot("integration-page-dark", DRAWN, 1100, 900, dark=True),
    Shot("integration-page-phone", DRAWN, 360, 740),
)


def take(browser: Browser, url: str, shot: Shot) -> bytes:
    """Open what *shot* shows, and return it as a PNG."""
    browser.look(shot.width, shot.height, dark=shot.dark)
    browser.open(url)
    if shot.link:
        browser.open(browser.evaluate(f"[...document.links].find(one => one.textContent == {shot.link!r}).href"))
    # A machine without a desktop has no font for its user interface, and would take one with serifs.
    browser.evaluate("document.body.style.fontFamily = 'DejaVu Sans, sans-serif'")
    return browser.screenshot()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--url", help="of an exporter that runs; without it a demo is started")
    parser.add_argument(
        "--minutes", type=float, default=30, help="how long that demo reads and polls before, and is scraped"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    arguments = parser.parse_args()
    if arguments.url:
        _take_all(arguments.url, arguments.folder)
        return
    command = [str(Path(sys.executable).parent / "braze-cdi-exporter"), "demo", "--web.listen-address", ADDRESS]
    demo = subprocess.Popen([*command, "--log.level", "error"], stdout=subprocess.DEVNULL)
    try:
        _wait(f"http://{ADDRESS}/-/ready")
        with _prometheus():
            time.sleep(60 * arguments.minutes)
            _take_all(f"http://{ADDRESS}/", arguments.folder)
            draw_all(
                Prometheus(f"http://{PROMETHEUS}"),
                DRAWN,
                span=60 * arguments.minutes,
                scrape_interval=_SCRAPE_SECONDS,
                folder=arguments.folder,
            )
    finally:
        demo.terminate()
        demo.wait()


@contextlib.contextmanager
def _prometheus() -> Iterator[None]:
    program = _program("prometheus")
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "prometheus.yml"
        config.write_text(_CONFIG)
        command = [program, f"--config.file={config}", f"--storage.tsdb.path={directory}/data"]
        process = subprocess.Popen([*command, f"--web.listen-address={PROMETHEUS}", "--log.level=error"])
        try:
            _wait(f"http://{PROMETHEUS}/-/ready")
            yield
        finally:
            process.terminate()
            process.wait()


def _program(name: str) -> str:
    program = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], str(UNPACKED)]))
    if program is None:
        sys.exit(f"{name} is missing; tools/fetch-components fetches it")
    return program


def _take_all(url: str, folder: Path) -> None:
    program = _program("chromium")
    with (
        tempfile.TemporaryDirectory() as directory,
        Browser(Path(program), Path(directory), {**os.environ, "HOME": directory}) as browser,
    ):
        for shot in SHOTS:
            path = folder / f"{shot.name}.png"
            path.write_bytes(take(browser, url, shot))
            print(path.relative_to(ROOT), path.stat().st_size)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"not within {_START_SECONDS} s: {url}")


if __name__ == "__main__":
    main()
