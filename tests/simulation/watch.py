"""
A scraper that distrusts the page: reads it as text, by itself, and compares it with the page before and with the disk.

Across all processes no counter may go back, nothing may be NaN or infinite, and what an integration shows must be the
ledger on disk, all of it, at every moment.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.domain.model import FINISHED_STATUSES, SyncStatus, Totals
from exporter.metrics.page import Page

_LABELS = re.compile(r'workspace="([^"]*)",integration_id="([^"]*)",integration_name="([^"]*)"(?:,(\w+)="([^"]*)")?')
_EXPORTER = "braze_cdi_exporter_"
_GAPS = "braze_cdi_exporter_history_gaps_total"
_PROBLEM = "braze_cdi_problem"


class WrongPageError(Exception):
    """A scrape has shown what must never be seen."""


@dataclass(slots=True)
class Scraped:
    """What one page shows of one integration."""

    values: dict[str, float] = field(default_factory=dict)
    by_status: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    """Problems with a value or a limit."""

    def totals(self) -> Totals | None:
        """The counters, all of them, or none."""
        syncs = self.by_status.get("braze_cdi_syncs_total")
        if syncs is None:
            return None
        return Totals(
            tuple(int(syncs[status]) for status in FINISHED_STATUSES),
            int(self.values["braze_cdi_rows_synced_total"]),
            int(self.values["braze_cdi_rows_failed_with_errors_total"]),
            self.values["braze_cdi_sync_duration_seconds_total"],
        )


class Scraper:
    def __init__(self) -> None:
        self.scrapes = 0
        self._counters: dict[str, float] = {}

    def scrape(
        self, page: Page, now: datetime, by_workspace: Mapping[str, datetime], *, openmetrics: bool
    ) -> dict[str, Scraped]:
        """
        Read the page, and return what it shows of each integration by its id.

        Raises:
            WrongPageError: It shows what must not be.

        """
        self.scrapes += 1
        text = b"".join(page.render(now, by_workspace, openmetrics=openmetrics).chunks).decode()
        shown: dict[str, Scraped] = {}
        series: set[str] = set()
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            sample, _, number = line.rpartition(" ")
            name, _, labels = sample.partition("{")
            if (name.startswith(_EXPORTER) and name != _GAPS) or not name.startswith("braze_cdi_"):
                continue
            value = float(number)
            if not math.isfinite(value):
                raise WrongPageError(f"{line} is no number")
            if sample in series:
                raise WrongPageError(f"{sample} is there twice")
            series.add(sample)
            if name.endswith("_total"):
                if value < self._counters.get(sample, 0.0):
                    raise WrongPageError(f"{sample} went from {self._counters[sample]} back to {value}")
                self._counters[sample] = value
            _note(shown, name, labels, value)
        for key, scraped in shown.items():
            _check_whole(key, scraped)
        return shown


def _note(shown: dict[str, Scraped], name: str, labels: str, value: float) -> None:
    match = _LABELS.match(labels)
    if match is None:
        raise WrongPageError(f"the labels {labels} are not as expected")
    scraped = shown.setdefault(match[2], Scraped())
    if match[4] == "status":
        scraped.by_status.setdefault(name, {})[match[5]] = value
    elif match[4] == "problem" and name != _PROBLEM:
        scraped.measured.add(match[5])
    elif match[4] == "problem":
        if match[5] in scraped.problems:
            raise WrongPageError(f"{match[2]}: the problem {match[5]} has two severities")
        scraped.problems.add(match[5])
    else:
        scraped.values[name] = value


def _check_whole(key: str, scraped: Scraped) -> None:
    """Whatever is shown of an integration fits together."""
    status = scraped.by_status.get("braze_cdi_last_sync_status")
    if status is not None and (status.keys() != set(SyncStatus) or sorted(status.values()) != [*[0] * 6, 1]):
        raise WrongPageError(f"{key}: not exactly one status is 1: {status}")
    if ("braze_cdi_last_sync_start_timestamp_seconds" in scraped.values) != (status is not None):
        raise WrongPageError(f"{key}: a status without a start, or the other way round")
    if not scraped.measured <= scraped.problems:
        raise WrongPageError(f"{key}: figures of problems that it does not have: {scraped.measured - scraped.problems}")
    if scraped.values.get("braze_cdi_last_sync_duration_seconds", 0) < 0:
        raise WrongPageError(f"{key}: a negative duration")
    syncs = scraped.by_status.get("braze_cdi_syncs_total")
    if syncs is not None and len(syncs) != len(FINISHED_STATUSES):
        raise WrongPageError(f"{key}: not every status has its counter: {syncs}")
