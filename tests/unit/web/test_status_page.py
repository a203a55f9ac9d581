import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from exporter.domain.asked import Asked
from exporter.domain.integration_state import Since
from exporter.domain.model import Failure, Integration
from exporter.domain.view import View
from exporter.web.selection import Selection
from exporter.web.status_page import StatusPage
from exporter.web.view import ExporterStatus, WorkspaceStatus
from tests.unit.web.applications import Sources, call
from tests.unit.web.outline import Outline
from tests.unit.web.samples import HOSTILE, NOW, ago, bare, realistic_status, sync, view, workspace


def page(status: ExporterStatus | None = None, selection: Selection | None = None) -> Outline:
    return Outline(html_of(status or realistic_status(), selection or Selection()))


def html_of(status: ExporterStatus, selection: Selection) -> str:
    return StatusPage(telemetry_path="/metrics").render(status, selection).decode("utf-8")


def one_workspace(*views: View) -> ExporterStatus:
    return ExporterStatus(NOW, "1.2.3", "", ago(hours=1), (workspace("w", views),))


def test_a_sync_that_finishes_before_it_starts_costs_its_duration_and_nothing_else() -> None:
    odd = sync(ago(minutes=5), "success", seconds=-60)
    even = sync(ago(minutes=5), "success", seconds=60)
    status = one_workspace(*(view("i", latest=one, latest_finished=one, history=(one,)) for one in (odd, even)))
    text = page(status).text
    assert "success 6 min ago 14:25:00 1,200 synced" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "success 4 min ago 14:25:00, took 1 min 1,200 synced" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_page_is_served_with_a_policy_that_allows_its_style_and_script_and_nothing_else() -> None:
    answer = call(Sources(), "GET", "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert policy == StatusPage(telemetry_path="/metrics").policy
    for tag in ("style", "script"):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_page_has_one_script_no_inline_style_and_no_foreign_asset() -> None:
    outline = page()
    assert outline.tags("script") == [{}]
    for tag, attributes in outline.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("src", "href", "action"):
            target = attributes.get(name)
            assert target is None or "//" not in target or target.startswith("data:image/svg+xml,"), (tag, target)


def test_hostile_names_are_shown_as_text() -> None:
    html = html_of(realistic_status(), Selection())
    searched = html_of(realistic_status(), Selection(query='"><script>'))
    assert searched.count("<script") == 1
    assert 'value="&#34;&gt;&lt;script&gt;"' in searched
    assert html.count("<script") == 1
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(&#39;owned&#39;)" in html


def test_hostile_text_in_any_place_is_escaped() -> None:
    bad = Integration(HOSTILE, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, HOSTILE, HOSTILE)
    status = ExporterStatus(
        NOW,
        HOSTILE,
        HOSTILE,
        ago(hours=1),
        (
            WorkspaceStatus(
                HOSTILE,
                HOSTILE,
                60,
                (view("x", integration=bad, integration_status=HOSTILE),),
                lambda _: None,
                (HOSTILE,),
            ),
            WorkspaceStatus("empty", HOSTILE, 60, (), lambda _: None, (HOSTILE,)),
        ),
    )
    assert html_of(status, Selection()).count("<script") == 1


def test_long_names_and_messages_are_cut() -> None:
    longest = max(page().text.split(), key=len)
    assert longest == "x" * 119 + "…"


def test_problems_are_counted_in_words_at_the_top() -> None:
    assert "11 of 17 integrations need attention" in page().text
    assert "1 of 1 integration needs attention" in page(one_workspace(view("a", ("error",)))).text
    assert "All 2 integrations are healthy" in page(one_workspace(view("a"), view("b"))).text
    assert "The integration is healthy" in page(one_workspace(view("a"))).text
    assert "No integrations yet" in page(one_workspace()).text


def test_status_is_told_in_words_beside_its_colour() -> None:
    text = page().text
    for words in (
        "success",
        "running for",
        "partial",
        "error",
        "config error",
        "unknown",
        "no sync yet",
        "not polled yet",
    ):
        assert words in text


def test_row_tells_what_is_known_of_an_integration() -> None:
    text = page(
        one_workspace(view("users", ("error", "error", "success"), integration_status="active", gaps=2))
    ).text.replace("\N{NO-BREAK SPACE}", " ")
    for words in (
        "users active · snowflake",
        "error 4 min 25 s ago",
        "14:24:00, took 1 min 35 s",
        "0 failed",
        "10 min ago",
        "2 failed in a row",
        "2 gaps: counters may be short",
        "20 s ago next in 40 s",
        "Critical: 2 failed syncs in a row, the latest with error",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("expected", "announced", "words", "absent"),
    [
        (timedelta(minutes=5), timedelta(minutes=5), "sync expected in 5 min", "announced"),
        (timedelta(minutes=-20), timedelta(minutes=5), "sync expected 20 min ago next announced in 5 min", "never"),
        (None, timedelta(minutes=5), "next announced in 5 min", "sync expected"),
        (timedelta(minutes=-1), None, "sync expected 1 min ago", "announced"),
        (None, None, "14:24:00, took 1 min 35 s", "announced"),
    ],
)
def test_row_tells_the_expected_run_and_the_announced_one_where_it_differs(
    expected: timedelta | None, announced: timedelta | None, words: str, absent: str
) -> None:
    one = view(
        "users",
        expected_run_at=None if expected is None else NOW + expected,
        next_scheduled_run=None if announced is None else NOW + announced,
    )
    text = page(one_workspace(one)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert absent not in text


def test_expected_run_is_marked_only_once_it_is_overdue() -> None:
    def marked(**late: float) -> bool:
        html = html_of(one_workspace(view("users", expected_run_at=ago(**late))), Selection())
        return 'class="line bad">sync expected' in html

    assert not marked(minutes=15, seconds=20)
    assert marked(minutes=15, seconds=21)


def test_next_poll_is_told_within_the_interval_even_where_the_own_endpoint_rests_for_an_hour() -> None:
    hour = NOW + timedelta(hours=1)

    def text(next_poll_at: datetime | None, **changes: Any) -> str:
        one = replace(view("users"), **changes)
        turns = {} if next_poll_at is None else {one.integration.integration_id: next_poll_at}
        status = replace(one_workspace(), workspaces=(replace(workspace("w", [one]), next_turn_at=turns.get),))
        return page(status).text.replace("\N{NO-BREAK SPACE}", " ")

    failure = Failure("timeout", "", NOW)
    assert "20 s ago next in 40 s" in text(hour)
    assert "20 s ago next in 10 s" in text(NOW + timedelta(seconds=10))
    assert "tried 20 s ago next in 1 h" in text(hour, up=False, failure=failure)
    assert "next in 1 h" in text(hour, last_poll_at=None)
    assert "20 s ago next now" in text(NOW - timedelta(seconds=1))
    assert "next" not in text(None)


def test_watermark_in_the_future_is_told_in_words() -> None:
    text = page(one_workspace(view("users", watermark=NOW.replace(hour=16)))).text
    assert "in the future" in text


def test_message_of_a_failing_poll_is_shown() -> None:
    assert "403 from Braze: the key lacks the permission" in page().text


def test_marks_show_the_latest_twenty_syncs_and_say_so_in_words() -> None:
    statuses = ("running", "error", *("success",) * 30)
    outline = page(one_workspace(view("users", statuses)))
    bars = [bar for bar in outline.tags("rect") if bar["width"] == "5" and "x" in bar]
    assert len(bars) == 20
    assert "20 latest syncs, the latest at the right: 1 error, 1 running, 18 success" in outline.text
    rightmost = max(bars, key=lambda bar: int(bar["x"] or 0))
    assert rightmost["class"] == "m-running"


def test_times_are_readable_by_machines() -> None:
    times = [attributes["datetime"] for attributes in page().tags("time")]
    assert times
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(at)) for at in times)


def test_table_headers_name_their_scope_and_sections_their_headings() -> None:
    outline = page()
    assert {attributes.get("scope") for attributes in outline.tags("th")} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for section in outline.tags("section"):
        assert section["aria-labelledby"] in ids
    for link in outline.tags("a"):
        target = link["href"] or ""
        assert not target.startswith("#") or target[1:] in ids
    assert len(outline.tags("main")) == len(outline.tags("h1")) == 1
    assert outline.tags("html") == [{"lang": "en"}]


def test_page_links_to_everything_else_that_is_served() -> None:
    links = {link["href"] for link in page().tags("a")}
    assert {"metrics", "api/v1/status", "config", "-/healthy", "-/ready"} <= links


def test_page_reloads_automatically_only_when_asked() -> None:
    assert not [meta for meta in page().tags("meta") if meta.get("http-equiv")]
    (meta,) = [meta for meta in page(selection=Selection(refresh_seconds=15)).tags("meta") if "http-equiv" in meta]
    assert meta == {"http-equiv": "refresh", "content": "15"}


def test_query_string_chooses_what_is_shown() -> None:
    everything = call(Sources(), "GET", "/").text
    chosen = call(Sources(), "GET", "/?workspace=production&only=problems&q=loyal").text
    assert ">users<" in everything
    assert ">users<" not in chosen
    assert ">loyalty_points<" in chosen
    assert "1 of 17 shown" in chosen
    assert "No integration matches" in call(Sources(), "GET", "/?q=nothing-like-this").text


def test_many_integrations_come_in_pages_that_lose_none() -> None:
    status = one_workspace(*(view(f"name-{number:04d}", ("success",)) for number in range(201)))
    seen: list[str] = []
    for number in (1, 2, 3):
        outline = page(status, Selection(page=number, unfold=True))
        assert f"Page {number} of 3" in outline.text
        seen += re.findall(r"name-\d{4}", outline.text)
    assert seen == [f"name-{number:04d}" for number in range(201)]
    assert "Page 3 of 3" in page(status, Selection(page=99, unfold=True)).text
    assert "201 healthy integrations are not listed. List them too" in page(status).text


def test_healthy_integrations_are_folded_where_there_are_many_and_nothing_is_asked_for() -> None:
    views = [view(f"name-{number:05d}", ("error",) if number == 7 else ("success",) * 20) for number in range(10_000)]
    status = ExporterStatus(
        NOW, "1", "", ago(hours=1), tuple(workspace(f"w{at}", views[at * 100 :][:100]) for at in range(100))
    )
    html = html_of(status, Selection())
    assert re.findall(r">(name-\d+)</a>", html.partition("<table")[2]) == ["name-00007"]
    assert len(html) < 2_000_000
    assert 'href="./?healthy=shown"' in html
    assert len(page(status, Selection(workspace="w5")).tags("tbody")) == 100


def test_a_running_sync_has_a_row_of_its_own_below_the_latest_finished_one() -> None:
    html = html_of(one_workspace(view("users", ("running", "success"))), Selection())
    finished, running = (row.partition("</tr>")[0] for row in html.partition("<tbody")[2].split("<tr ")[1:])
    assert ("s-success" in finished, "s-running" in finished) == (True, False)
    assert ("s-success" in running, "s-running" in running) == (False, True)
    assert "synced" not in running
    assert "none finished yet" in page(one_workspace(view("users", ("running",)))).text


def test_only_the_worst_of_many_problems_are_listed_at_the_top() -> None:
    status = one_workspace(*(view(f"n{number}", ("error",)) for number in range(30)))
    assert "and 18 more, show only problems" in page(status).text
    narrowed = page(status, Selection(only_problems=True)).text
    assert "and 18 more" in narrowed
    assert "show only problems" not in narrowed


def test_a_status_nobody_documents_is_shown_as_braze_words_it_and_does_no_harm() -> None:
    odd = replace(sync(ago(minutes=5), "unknown"), unknown_word="<b>Skipped\u202e</b>")
    shown = one_workspace(view("i", latest=odd, latest_finished=odd, history=(odd,)))
    assert "&lt;b&gt;Skipped" in html_of(shown, Selection())
    assert "\u202e" not in html_of(shown, Selection())
    assert "unknown (<b>Skipped" in page(shown).text


def test_workspace_without_integrations_is_shown_with_its_notes() -> None:
    status = one_workspace()
    noted = replace(status, workspaces=(replace(status.workspaces[0], notes=("Nothing was found.",)),))
    assert "Nothing was found. No integrations." in page(noted).text


@pytest.mark.parametrize(
    ("ratio", "words"), [(None, ""), (0.379, "37% of the last 90 d of history read"), (1.0, "100% of the last 90 d")]
)
def test_the_page_says_how_much_history_has_been_learned(ratio: float | None, words: str) -> None:
    status = one_workspace(bare("users", "id"))
    reading = replace(status.workspaces[0], history_seconds=90 * 86400.0, history_read_ratio=ratio)
    text = page(replace(status, workspaces=(reading,))).text.replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert ("of history" in text) == bool(words)


@pytest.mark.parametrize("integrations", [0, 1, 3])
def test_integration_about_which_nothing_is_known_has_a_row(integrations: int) -> None:
    views = [bare("", f"id-{number}") for number in range(integrations)]
    assert len(page(one_workspace(*views)).tags("tbody")) == integrations


def test_the_line_of_a_workspace_tells_key_list_and_budget() -> None:
    good = Asked(ago(seconds=20), "integrations", 1, "200", 0.1, 46, 50, "the list is read every interval")
    denied = good._replace(endpoint="job_sync_status", outcome="auth", remaining=None)

    def line(*requests: Asked) -> str:
        status = one_workspace(bare("users", "id"))
        asked = replace(status.workspaces[0], requests=requests)
        return page(replace(status, workspaces=(asked,))).text.replace("\N{NO-BREAK SPACE}", " ")

    assert "key accepted · list asked 20 s ago , 46 of 50 requests left" in line(good)
    assert "key refused · list asked 20 s ago , 46 of 50 requests left · syncs asked 20 s ago (auth)" in line(
        good, denied
    )
    assert "key not yet judged" in line(good._replace(outcome="timeout"))
    assert "key " not in line()


def test_how_long_a_problem_has_lasted_is_set_off_from_the_sentence_before_it() -> None:
    text = page(one_workspace(view("users", ("error", "error")))).text.replace("\N{NO-BREAK SPACE}", " ")
    assert text.count("the latest with error; limit 1 · for ") == 1 + 1  # at the top, and below the integration


def test_one_that_is_gone_neither_denies_its_past_nor_names_limits() -> None:
    gone = view("users", gone=Since(ago(days=2)))
    text = page(one_workspace(gone)).text
    assert "20 latest syncs" in text
    assert "no sync yet" not in text
    assert "not polled yet" not in text
    assert "not yet" not in text
    assert re.search(r"no longer (?!knows|visible)", text)  # polled
    assert "Limits" not in text
    never = page(one_workspace(view("users", (), gone=Since(ago(days=2))))).text
    assert "no sync yet" in never
