"""Writes the dashboards' JSON: `python -m deploy.grafana.source`."""

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source.fleet import fleet
from deploy.grafana.source.integration import integration

FOLDER = Path(__file__).resolve().parent.parent / "dashboards"


def rendered() -> Iterator[tuple[Path, str]]:
    """Every dashboard's file and what must be in it."""
    for dashboard in (fleet(), integration()):
        text = json.dumps(dashboard, cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False)
        yield FOLDER / f"{dashboard.uid}.json", f"{text}\n"


def main() -> None:
    for path, text in rendered():
        path.write_text(text)


if __name__ == "__main__":
    main()
