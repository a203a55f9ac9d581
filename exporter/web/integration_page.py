"""
The page about one integration: what is wrong and what to do, its past as pictures, its limits, what Braze was asked.

What is the same for all pages is in `templating.py`; where the lines of the pictures are, in `charts.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

from exporter.domain.health import UNITS
from exporter.domain.limits import Limits, Unit
from exporter.domain.past import Past
from exporter.domain.problem import Problem
from exporter.web.advice import FIRST_STEPS, LIMITS_URL, runbook_url
from exporter.web.charts import axis_of, days_ago, pictures, time_line
from exporter.web.templating import HtmlPage
from exporter.web.view import IntegrationStatus, next_poll_at
from exporter.web.words import word_value

DAYS_CHOICES = (7, 30)
"""Days that can be shown in place of all that is known."""
LATEST = 50


def read_days(parameters: Mapping[str, str]) -> int | None:
    """Return how many days the query string asks for; None for all that is known."""
    return next((days for days in DAYS_CHOICES if parameters.get("days") == str(days)), None)


class IntegrationPage:
    """Renders the page of any integration."""

    def __init__(self) -> None:
        self._page = HtmlPage(
            "integration.html",
            "status.css",
            "integration.css",
            runbook_url=runbook_url,
            figure=_figure,
        )
        self.policy = self._page.policy

    def render(self, status: IntegrationStatus, days: int | None, root: str) -> bytes:
        """
        The page as HTML in UTF-8. Takes a few dozen milliseconds after years of syncs: call it in a thread.

        Args:
            status: Of the integration.
            days: How many are shown in the pictures; None for all that is known.
            root: The address of the status page, relative to this one: a proxy may have put us under a path.

        """
        detail, now = replace(status.detail, past=Past.of(status.detail.past.runs)), status.now
        runs = list(detail.runs(days_ago(now, days)))
        axis = axis_of(runs, now, days)
        problems = detail.view.problems_at(now)
        return self._page.render(
            root=root,
            now=now,
            workspace=status.workspace,
            detail=detail,
            view=detail.view,
            expectation=detail.expectation,
            problems=problems,
            severity=problems[0].severity.word if problems else "ok",
            first_steps=FIRST_STEPS,
            limits_url=LIMITS_URL,
            next_poll_at=next_poll_at(status.workspace, detail.view),
            syncs=detail.latest_syncs(LATEST),
            days=days,
            days_choices=DAYS_CHOICES,
            known=len(runs),
            axis=axis,
            marks=time_line(runs, axis),
            pictures=pictures(runs, dict(detail.view.limits or Limits()), axis),
        )


def _figure(problem: Problem, value: float) -> str:
    """Word a value or limit of a problem, in the unit of its kind."""
    return word_value(value, UNITS.get(problem.kind, Unit.COUNT))
