"""What `make screenshots` shows, with a month of a few hours: pages, and a Prometheus with what rules make of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools import month
from tools.evaluated import Stretch, evaluated
from tools.screenshots import read_names

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
PART = timedelta(hours=1)


def test_a_month_ends_with_pages_recorded_series_and_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month, "MONTH", 8 * PART)
    monkeypatch.setattr(month, "LAST", PART)
    seldom, often = tmp_path / "seldom.txt", tmp_path / "often.txt"
    with seldom.open("w") as first, often.open("w") as second:
        pages = month.play(NOW, read_names(), first, second).pages
    assert all(month.DRAWN.encode() in page for page in pages.values())
    end = NOW.timestamp()
    stretches = Stretch(end - 8 * 3600, end - 3600, 1800), Stretch(end - 3600, end, 60)
    with evaluated(tmp_path, (seldom, often), stretches) as prometheus:
        firing = {each["metric"]["alertname"] for each in prometheus.now('ALERTS{alertstate="firing"}', end)}
        codes = prometheus.now("integration:braze_cdi_last_sync_status:code", end)
        before = prometheus.now("integration:braze_cdi_last_sync_status:code", end - 2 * 3600)
    assert {"BrazeCDISyncConfigError", "BrazeCDIIntegrationStale"} <= firing
    assert len(codes) >= len(month.CHARACTERS) - 1, "all but the one that cannot be polled"
    assert [each["metric"]["integration_name"] for each in before] == [month.DRAWN]
