"""
The pages that users see, byte for byte, for a representative set of views.

After a wanted change run `pytest tests/unit/metrics/test_golden_pages.py --update-golden` and read the difference.
"""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from tests.components import component
from tests.snapshots import NOW, REPRESENTATIVE, page_bytes, read_families, read_series, series_of

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
FILES = pytest.mark.parametrize(
    ("name", "openmetrics"), [("metrics.txt", False), ("metrics.openmetrics", True)], ids=["text", "openmetrics"]
)


def golden_page(*, openmetrics: bool) -> bytes:
    """The page of the representative views, without what differs from machine to machine."""
    self_metrics = SelfMetrics("1.2.3", "0123abc")
    self_metrics.prepare_workspace("production")
    self_metrics.request_answered("production", "job_sync_status", "200", 0.3)
    self_metrics.rate_limit_seen("production", "job_sync_status", limit=100, remaining=99, reset_at_seconds=1767225660)
    self_metrics.poll_finished("production", None)
    self_metrics.poll_finished("production", "timeout")
    self_metrics.poll_interval("production", 61, 60)
    self_metrics.anomalies("production", "job_sync_status", "unknown_status", 1)
    self_metrics.integrations("production", "config", 2)
    self_metrics.config_loaded(successful=True, at_seconds=1767225600)
    self_metrics.state_persistent(value=False)
    page = Page(self_metrics)
    for view in REPRESENTATIVE:
        page.publish(view)
    whole = page_bytes(page, NOW, openmetrics=openmetrics)
    whole = re.sub(rb'python_version="[^"]*"', b'python_version="3"', whole)
    return re.sub(rb"(?m)^(# (HELP|TYPE) )?(process|python)_.*\n", b"", whole)


@FILES
def test_the_page_is_the_golden_one(name: str, *, openmetrics: bool, request: pytest.FixtureRequest) -> None:
    page = golden_page(openmetrics=openmetrics)
    if request.config.getoption("--update-golden"):
        (GOLDEN / name).write_bytes(page)
    assert page.decode() == (GOLDEN / name).read_bytes().decode(), "if wanted: --update-golden"


@FILES
def test_the_golden_page_parses_and_has_no_series_twice(name: str, *, openmetrics: bool) -> None:
    page = (GOLDEN / name).read_bytes()
    families = read_families(page, openmetrics=openmetrics)
    assert len({family.name for family in families}) == len(families)
    assert len(series_of(families)) > 100
    assert read_series(page, openmetrics=openmetrics) == series_of(families)


def test_both_golden_pages_carry_the_same_values() -> None:
    text = read_series((GOLDEN / "metrics.txt").read_bytes(), openmetrics=False)
    assert text == read_series((GOLDEN / "metrics.openmetrics").read_bytes(), openmetrics=True)


def test_promtool_has_nothing_to_say_about_the_text_page() -> None:
    page = Page(SelfMetrics())
    for view in REPRESENTATIVE:
        page.publish(view)
    for whole in (golden_page(openmetrics=False), page_bytes(page)):
        checked = subprocess.run(
            [component("promtool"), "check", "metrics"], input=whole, capture_output=True, check=False, timeout=60
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
