"""
Draws the data of the dashboards into `docs/pictures`: `tools/draw-dashboards --prometheus http://127.0.0.1:9090`.

The Prometheus must have the shipped rules and scrape an exporter, best the demo for half an hour.
"""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from tools.dashboards.asking import Reading
from tools.dashboards.drawing import draw_dashboard
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import ROOT, dashboards, filled, options_of, series_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/draw-dashboards", description=__doc__)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--integration", default="loyalty_points", help="the name of the one to draw in depth")
    parser.add_argument("--minutes", type=float, default=30, help="how much of the past")
    parser.add_argument("--scrape-interval", type=float, default=30, help="of the scrape job, in seconds")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    prometheus, now = Prometheus(arguments.prometheus), time.time()
    for uid, dashboard in dashboards().items():
        chosen = {"workspace": ".+"}
        for variable in dashboard["templating"]["list"]:
            if variable["name"] == "integration":
                offered = options_of(variable, prometheus.now(filled(series_of(variable), chosen), now))
                chosen["integration"] = next(
                    value for text, value in offered if text.split(" · ")[0] == arguments.integration
                )
        reading = Reading(prometheus, now, 60 * arguments.minutes, arguments.scrape_interval, chosen)
        about = f"{arguments.integration}, " if "integration" in chosen else ""
        subtitle = (
            f"{about}{arguments.minutes:g} minutes of the demo up to {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M}"
            " UTC. Drawn from the answers of Prometheus; this is no screenshot of Grafana."
        )
        path = arguments.folder / f"{uid}.svg"
        path.write_text(draw_dashboard(dashboard, reading, subtitle))
        print(path)


if __name__ == "__main__":
    main()
