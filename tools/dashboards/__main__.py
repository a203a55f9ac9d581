"""
Draws the dashboards into `docs/pictures` from a Prometheus: `python -m tools.dashboards --prometheus ADDRESS`.

The Prometheus must have the shipped rules and scrape an exporter.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from tools.chromium import Browser
from tools.dashboards.asking import Reading, choose, drawn
from tools.dashboards.pictures import take_picture
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import ROOT, Window, dashboards

UNPACKED = ROOT / ".tools" / "components" / "bin"
WIDTH = 1500


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description=__doc__)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--integration", default="newsletter_consent", help="the name of the one to draw in depth")
    parser.add_argument("--minutes", type=float, default=30, help="how much of the past")
    parser.add_argument("--scrape-interval", type=float, default=30, help="of the scrape job, in seconds")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    arguments = parser.parse_args()
    draw_all(
        Prometheus(arguments.prometheus),
        arguments.integration,
        span=60 * arguments.minutes,
        scrape_interval=arguments.scrape_interval,
        folder=arguments.folder,
    )


def draw_all(prometheus: Prometheus, integration: str, *, span: float, scrape_interval: float, folder: Path) -> None:
    """Draw every dashboard, light and dark."""
    program = shutil.which("chromium", path=os.pathsep.join([os.environ["PATH"], str(UNPACKED)]))
    if program is None:
        raise SystemExit("chromium is missing; tools/fetch-components fetches it")
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    with (
        tempfile.TemporaryDirectory() as directory,
        Browser(Path(program), Path(directory), {**os.environ, "HOME": directory}) as browser,
    ):
        for uid, dashboard in dashboards().items():
            window = Window(now, span, scrape_interval, scrape_interval)
            chosen = choose(dashboard, prometheus, window, integration)
            reading = Reading(prometheus, now, span, scrape_interval, chosen)
            for name, dark in ((uid, False), (f"{uid}-dark", True)):
                path = folder / f"{name}.png"
                path.write_bytes(
                    take_picture(browser, Path(directory), drawn(dashboard, reading, dark=dark, width=WIDTH))
                )
                print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
