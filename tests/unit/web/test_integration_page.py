"""The page about one integration: everything that is known is there, nothing foreign gets out of its place."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.health import KINDS
from exporter.domain.integration_state import Since
from exporter.domain.limits import Limits
from exporter.domain.model import Failure, Integration, Sync, SyncStatus
from exporter.domain.problem import Problem, Severity
from exporter.web.advice import FIRST_STEPS
from exporter.web.integration_page import IntegrationPage, read_days
from exporter.web.view import IntegrationStatus
from tests.unit.web.applications import Sources, call
from tests.unit.web.integration_samples import deep, hourly, with_detail
from tests.unit.web.outline import Outline
from tests.unit.web.samples import HOSTILE, NOW, ago, bare, view

ROOT = Path(__file__).resolve().parents[3]
PAGE = IntegrationPage()
DEEP = deep()


def html_of(status: IntegrationStatus = DEEP, days: int | None = None) -> str:
    return PAGE.render(status, days, "../../").decode()


def text_of(status: IntegrationStatus = DEEP, days: int | None = None) -> str:
    return Outline(html_of(status, days)).text.replace("\N{NO-BREAK SPACE}", " ")


def with_view(**changes: object) -> IntegrationStatus:
    return with_detail(DEEP, view=replace(DEEP.detail.view, **changes))  # type: ignore[arg-type]  # keywords by name


def test_everything_that_is_known_is_told() -> None:
    text = text_of()
    for told in (
        "Nothing is wrong.",
        "Running sync none",
        "Latest finished sync success 38 min ago , took 2 min, usually 2 min 5 s",
        "967 synced, usually 980",
        "expected by its rhythm, must start by 16:05:00; learned: its syncs start every 1 h (2,160 past syncs)",
        "succeeded 20 s ago ; next in 40 s",
        "2,160 finished syncs",
        "Duration 2,158 syncs: median 2 min 5 s, highest 20 min 6 s; limit 6 min 52 s",
        "sync duration 6 min 52 s learned from 2,160 syncs",
        "20 s ago job_sync_status 200 82 ms 77 of 100 the list shows a newer start",
        "20 s ago integrations 200 82 ms 77 of 100 the list is read every interval",
    ):
        assert told in text
    assert len(Outline(html_of()).tags("tr")) == 1 + 8 + 1 + 50 + 1 + 2


def test_a_problem_is_told_with_value_limit_and_first_step() -> None:
    problem = Problem("slow", Severity.WARNING, "syncs take 40 min, usually 2 min", ago(hours=3), 2400.0, 240.0)
    low = Problem("rows_low", Severity.CRITICAL, "12 rows, usually 1,200", None, 12.0, 380.0)
    status = with_view(problems=(low, problem))
    text = text_of(status)
    assert "Warning: syncs take 40 min, usually 2 min slow for 3 h ; now 40 min, limit 4 min" in text
    assert "Critical: 12 rows, usually 1,200 rows low; now 12, limit 380" in text
    assert "Check the query's plan and queue in the warehouse. Runbook" in text
    assert 'href="https://' in html_of(status)
    assert "docs/runbook.md#slow" in html_of(status)
    assert '<h1 class="sev-critical">' in html_of(status)


def test_every_kind_of_problem_has_a_first_step() -> None:
    assert set(FIRST_STEPS) == set(KINDS), "exporter/web/advice.py has each"


def test_a_running_sync_and_the_latest_finished_one_are_told_apart() -> None:
    text = text_of(with_view(latest=Sync(ago(minutes=7), SyncStatus.RUNNING)))
    assert "Running sync running for 7 min, since 14:23:00" in text
    assert "Latest finished sync success 38 min ago" in text


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (ExpectedRun(NOW + timedelta(minutes=20), announced=True), "expected in 20 min , must start by 15:00:00"),
        (None, "expected by its rhythm"),
    ],
)
def test_the_next_sync_is_told_with_its_source(expected: ExpectedRun | None, told: str) -> None:
    assert told in text_of(deep(expected=expected))


def test_of_one_that_nothing_is_known_of_the_page_says_so() -> None:
    empty = with_detail(deep(syncs=()), view=bare("new"), requests=(), list_requests=())
    text = text_of(empty)
    for told in ("Not polled yet.", "No finished sync is known.", "No sync is known.", "None yet.", "Polling not yet"):
        assert told in text
    assert "No finished sync is known for this period." in text_of(empty, 7)


def test_of_one_that_is_gone_no_limit_is_claimed_and_nothing_is_still_to_come() -> None:
    text = text_of(with_detail(DEEP, view=view("users", gone=Since(ago(days=2)))))
    assert "No limits: the integration is gone." in text
    assert "Counted since first seen not known Learned from not known" in text
    assert "Polling no longer" in text
    assert "Source" not in text
    assert "how to change them" not in text


def test_a_failing_poll_says_why() -> None:
    failure = Failure("timeout", "no answer within 30 s", ago(minutes=1))
    text = text_of(with_view(up=False, failure=failure, failing_since=ago(minutes=9)))
    assert "failing for 9 min : no answer within 30 s" in text


def test_days_narrow_the_pictures_and_nothing_else() -> None:
    assert "168 finished syncs" in text_of(days=7)
    assert "2,160 past syncs" in text_of(days=7)
    assert [read_days({"days": text}) for text in ("7", "30", "8", "", "x")] == [7, 30, None, None, None]


def test_the_page_has_one_script_no_inline_style_and_no_foreign_asset() -> None:
    outline = Outline(html_of())
    assert outline.tags("script") == [{}]
    for tag, attributes in outline.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        target = attributes.get("href") or attributes.get("src")
        leads_away = tag == "a" and attributes.get("rel") == "noreferrer"  # is followed, not loaded
        inside = target is None or "//" not in target or target.startswith("data:image/svg+xml,")
        assert inside or leads_away, (tag, target)


def test_hostile_text_in_any_place_is_escaped() -> None:
    bad = Integration(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, HOSTILE, HOSTILE)
    problem = Problem("stale", Severity.CRITICAL, HOSTILE, ago(hours=3))
    failure = Failure("timeout", HOSTILE, NOW)
    unknown = Sync(ago(minutes=5), SyncStatus.UNKNOWN, ago(minutes=4), unknown_word=HOSTILE)
    status = with_view(
        integration=bad,
        integration_status=HOSTILE,
        problems=(problem,),
        failure=failure,
        up=False,
        latest_finished=unknown,
        history=(unknown,),
        limits=Limits(),
        changes=(HOSTILE,),
    )
    hostile = replace(status, workspace=replace(status.workspace, name=HOSTILE, notes=(HOSTILE,)))
    hostile = with_detail(hostile, requests=(hostile.detail.requests[0]._replace(outcome=HOSTILE, why=HOSTILE),))
    html = html_of(hostile)
    assert html.count("<script") == 1
    assert "\u202e" not in html
    Outline(html)


def test_it_is_served_with_the_policy_of_its_style_and_leads_back() -> None:
    answer = call(Sources(), "GET", "/integrations/production/abc")
    assert answer.status_code == 200
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    links = [link["href"] for link in Outline(answer.text).tags("a")]
    assert "../../" in links
    assert "../../api/v1/integrations/production/abc" in links


@pytest.mark.parametrize("path", ["a/b/abc", "a%2Fb/abc"])
def test_a_workspace_may_have_a_slash_in_its_name(path: str) -> None:
    status = deep(syncs=tuple(map(hourly, range(3))), space="a/b")
    answer = call(Sources(integrations={"a/b/abc": status}), "GET", f"/integrations/{path}")
    assert answer.status_code == 200
    root = "../" * (path.count("/") + 1)
    links = [link["href"] for link in Outline(answer.text).tags("a")]
    assert f"{root}api/v1/integrations/a%2Fb/abc" in links


def test_an_integration_that_is_not_watched_is_404() -> None:
    for path in ("/integrations/production/other", "/api/v1/integrations/other/abc"):
        answer = call(Sources(), "GET", path)
        assert answer.status_code == 404
        assert answer.text == "No such integration is watched; the status page (/) lists those that are.\n"


def test_the_limits_lead_to_the_keys_that_change_them() -> None:
    (address,) = re.findall(r'href="([^"]+)" rel="noreferrer">how to change them</a>', html_of())
    page, _, anchor = address.rpartition("/docs/")[2].partition("#")
    titles = re.findall(r"^## (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
