"""Telegraf, configured by the recipe, brings every sample of the demo to Prometheus under its own name and labels."""

import re
from pathlib import Path
from time import time

import httpx

from tests.components import component
from tests.e2e.command import wait_for
from tests.stack.demo_stack import demo
from tests.stack.programs import ROOT, prometheus, running
from tools.dashboards.prometheus import Prometheus

RECIPE = ROOT / "deploy" / "recipes" / "telegraf.conf"
ADDED = {"host", "url"}
"""Telegraf's own labels."""


def test_every_sample_arrives_under_its_name(tmp_path: Path) -> None:
    flag = "--web.enable-remote-write-receiver"
    with demo(tmp_path) as target, prometheus(tmp_path, {"scrape_configs": []}, flag) as url:
        wait_for("polled integrations", lambda: "\nbraze_cdi_up{" in page(target))
        text = RECIPE.read_text().replace("http://127.0.0.1:10273", f"http://{target}")
        times = '\n[agent]\n  interval = "1s"\n  flush_interval = "1s"\n'
        config = tmp_path / "telegraf.conf"
        config.write_text(text.replace("http://127.0.0.1:9090", url) + times)
        with running(tmp_path / "telegraf.log", [str(component("telegraf")), f"--config={config}"]):
            expected = {each for each in series(page(target)) if dict(each)["__name__"].startswith("braze_cdi_")}
            wait_for("every sample", lambda: expected <= arrived(url))


def page(target: str) -> str:
    return httpx.get(f"http://{target}/metrics", trust_env=False).text


Series = frozenset[tuple[str, str]]


def series(text: str) -> set[Series]:
    """Each sample's name and labels as the page has them; an empty label is none, and a bucket's 5.0 is a 5."""
    text = re.sub(r'(\ble="\d+)\.0"', r'\1"', text)
    samples = re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE)
    return {frozenset({("__name__", name), *re.findall(r'(\w+)="([^"]+)"', labels)}) for name, labels in samples}


def arrived(url: str) -> set[Series]:
    found = Prometheus(url).now('{__name__=~"braze_cdi_.+"}', time())
    return {frozenset((name, value) for name, value in each["metric"].items() if name not in ADDED) for each in found}
