"""What `explain` prints of a document is one sentence after the other, for one that is gone as well."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from exporter.cli.explaining import render_explanation
from exporter.domain.integration_state import Since
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.web.integration_json import render_integration_json
from tests.unit.web.integration_samples import deep, with_detail
from tests.unit.web.samples import ago, view

Explain = Callable[[View], str]


@pytest.fixture(scope="module")
def explain() -> Explain:
    known = deep()

    def explain(shown: View) -> str:
        return render_explanation(json.loads(render_integration_json(with_detail(known, view=shown))))

    return explain


def test_one_that_is_gone_has_no_limits(explain: Explain) -> None:
    text = explain(view("users", gone=Since(ago(days=2))))
    assert "\nNo limits: the integration is gone.\n" in text
    assert "default" not in text
    assert "no longer, latest" in text
    assert (
        'limits":{}'
        in render_integration_json(with_detail(deep(syncs=()), view=view("users", gone=Since(ago(days=2))))).decode()
    )


@pytest.mark.parametrize(
    ("value", "since", "told"),
    [
        (None, ago(days=2), "WARNING gone: it is gone\n  since 2026-02-27 14:30 UTC\n"),
        (7.0, ago(days=2), "WARNING gone: it is gone\n  value 7, since 2026-02-27 14:30 UTC\n"),
        (7.0, None, "WARNING gone: it is gone\n  value 7\n"),
        (None, None, "WARNING gone: it is gone\n\n"),
    ],
)
def test_what_is_known_of_a_problem_stands_below_it(
    explain: Explain, value: float | None, since: datetime | None, told: str
) -> None:
    problem = Problem("gone", Severity.WARNING, "it is gone", since, value)
    assert told in explain(replace(view("users"), problems=(problem,)))
