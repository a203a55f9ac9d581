"""
Fill the Helm chart with what is kept elsewhere: `make generate`.

The chart carries copies of the alert rules, the dashboards and the configuration's schema, because a packaged chart
sees only its own folder. Its README lists each value of `values.yaml` with its default and the comment that begins with
`# --` above it.
`tests/unit/deploy` fails when a copy or the list is not current.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from exporter.config.json_schema import config_schema

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "braze-cdi-exporter"
COPIES = {
    CHART / "files" / "rules": sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml")),
    CHART / "files" / "dashboards": sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")),
}
LIST = re.compile(r"(?<=<!-- values -->\n).*?(?=<!-- end of values -->)", re.DOTALL)

LONGEST = 60
"""Characters of a default that the list shows."""


def main() -> None:
    for folder, sources in COPIES.items():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for source in sources:
            shutil.copyfile(source, folder / source.name)
    schema = CHART / "values.schema.json"
    schema.write_text(json.dumps({**json.loads(schema.read_text()), "$defs": config_blocks()}, indent=2) + "\n")
    readme = CHART / "README.md"
    readme.write_text(LIST.sub(lambda _: values_table((CHART / "values.yaml").read_text()), readme.read_text()))


def config_blocks() -> dict[str, Any]:
    """What the chart's own schema refers to: that of the configuration, and of each of its blocks."""
    schema = config_schema()
    blocks = schema.pop("$defs")
    return {"ConfigFile": {key: value for key, value in schema.items() if key not in {"$schema", "title"}}, **blocks}


def values_table(text: str) -> str:
    """The Markdown table of the values in *text*, a `values.yaml`: a row for each that has a comment."""
    defaults = yaml.safe_load(text)
    rows = []
    for path, comment in _commented(text):
        default: Any = defaults
        for key in path:
            default = default[key]
        shown = json.dumps(default)
        shown = f"`{shown}`" if len(shown) <= LONGEST else "see `values.yaml`"
        rows.append(f"| `{'.'.join(path)}` | {shown} | {comment} |\n")
    return "| value | default | meaning |\n|---|---|---|\n" + "".join(rows)


def _commented(text: str) -> list[tuple[list[str], str]]:
    """The path of each key that has a comment, with that comment."""
    found, parents, comment = [], list[tuple[int, str]](), ""
    for line in text.splitlines():
        if said := re.match(r"\s*# -- (.+)", line):
            comment = said[1]
        elif key := re.match(r"(\s*)(\w+):", line):
            depth = len(key[1])
            parents = [each for each in parents if each[0] < depth] + [(depth, key[2])]
            if comment:
                found.append(([name for _, name in parents], comment))
            comment = ""
    return found


if __name__ == "__main__":
    main()
