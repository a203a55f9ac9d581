"""
What a field report says of each assumption, and that it loads as the style it was read from.

After a wanted change run `pytest tests/unit/domain/test_field_report.py --update-golden` and read the difference.
"""

import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.errors import ConfigError
from exporter.domain.field_evidence import Evidence, FieldAnswer
from exporter.domain.field_report import ASSUMPTIONS, ReportLeaksError, render_report
from exporter.simulator.style import Style
from exporter.simulator.style_file import load_style
from tests.field_answers import listed, listing, page
from tests.field_reports import NOON, read_world, varied_world

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "field-reports"
STYLES = {
    "as-documented": Style(),
    "other-choices": Style(
        fraction_digits=3,
        offset="+00:00",
        capitalised=True,
        unknown="missing",
        running_tells=True,
        failed_tells=False,
        link="clean",
        order="jumbled",
    ),
}
PRIVATE = ["production", "key-of-production"]
ANSWERS = read_world(varied_world())
NOT_SHOWN = {"announcement_rolls", "unknown_key_status", "unknown_integration_status"}
"""Fields of a style that no ordinary answer shows."""

ORDER = "syncs come latest first, page after page"
LIST_START = "the list's latest start equals that of job_sync_status"
STAYS = "a finished record never changes"
WORDS = "statuses and types are known words"
KEYS = "records have the documented fields and no others"
PAGING = "ten records a page, and Link as documented"
IDS = "integration ids are UUIDs"


def verdicts(answers: list[FieldAnswer]) -> dict[str, str]:
    evidence = Evidence(tuple(answers))
    return {name: check(evidence).verdict.value for name, check in ASSUMPTIONS}


def report_of(style: Style) -> str:
    return render_report(read_world(varied_world(style)), PRIVATE)


@pytest.mark.parametrize("name", STYLES)
def test_the_committed_report_is_that_of_its_style_and_loads_as_it(name: str, request: pytest.FixtureRequest) -> None:
    path = EXAMPLES / f"{name}.txt"
    report = report_of(STYLES[name])
    if request.config.getoption("--update-golden"):
        path.write_text(report)
    assert path.read_text() == report
    usual = Style()
    loaded = replace(load_style(str(path)), **{field: getattr(usual, field) for field in NOT_SHOWN})
    assert loaded == STYLES[name]


@pytest.mark.parametrize(
    "style",
    [
        Style(order="oldest first"),
        Style(link="absolute"),
        Style(fraction_digits=0, offset="-08:00"),
        Style(unknown="missing", running_tells=True),
        Style(failed_tells=False),
    ],
)
def test_each_style_comes_back_from_its_report(style: Style, tmp_path: Path) -> None:
    (tmp_path / "report").write_text(report_of(style))
    assert load_style(str(tmp_path / "report")) == style


def test_what_the_simulated_braze_does_is_confirmed_where_it_is_seen() -> None:
    found = verdicts(read_world(varied_world()))
    assert {name for name, verdict in found.items() if verdict == "refuted"} == set()
    assert [name for name, verdict in found.items() if verdict == "not seen"] == [
        "next_scheduled_run is rolled forward when a run is missed"
    ]


def test_nothing_is_seen_where_nothing_is_answered_and_the_report_loads_all_the_same(tmp_path: Path) -> None:
    refused = [FieldAnswer(("w", ""), 0, NOON, 401, {"content-type": "text/html"})]
    assert set(verdicts([]).values()) == set(verdicts(refused).values()) == {"not seen"}
    (tmp_path / "report").write_text(render_report(refused, PRIVATE))
    assert load_style(str(tmp_path / "report")) == Style()


def test_a_page_that_is_not_in_order_does_not_refute_the_start_in_the_list() -> None:
    assert verdicts(read_world(varied_world(Style(order="oldest first"))))[LIST_START] != "refuted"


def changed(change: Callable[[dict[str, Any]], object], *, at: int, status_pages: bool = True) -> list[FieldAnswer]:
    """Return the answers with one changed: record *at* of the last status page, or of the first page of the list."""
    answers = read_world(varied_world())
    numbers = [n for n, one in enumerate(answers) if one.is_list != status_pages]
    found = numbers[-1] if status_pages else numbers[0]
    body = json.loads(json.dumps(answers[found].body))
    change(body["results"][at])
    answers[found] = replace(answers[found], body=body)
    return answers


@pytest.mark.parametrize(
    ("assumption", "answers"),
    [
        (STAYS, changed(lambda record: record.update(rows_synced=1), at=2)),
        (KEYS, changed(lambda record: record.update(surprise=1), at=0, status_pages=False)),
        (ORDER, read_world(varied_world(Style(order="jumbled")))),
        (WORDS, changed(lambda record: record.update(integration_status="hibernating"), at=0, status_pages=False)),
        (PAGING, read_world(varied_world(Style(link="clean")))),
        (IDS, read_world(varied_world(ids=("abc123xyz",)))),
    ],
    ids=[STAYS, KEYS, ORDER, WORDS, PAGING, IDS],
)
def test_a_broken_assumption_is_refuted(assumption: str, answers: list[FieldAnswer]) -> None:
    assert verdicts(answers)[assumption] == "refuted"


def test_a_list_that_is_ahead_of_the_status_page_is_refuted() -> None:
    world = varied_world()
    key = world.workspaces["production"].integrations[1]
    answers = read_world(world)
    later = (NOON + timedelta(hours=1)).isoformat()
    for number, one in enumerate(answers):
        if one.is_list:
            records = [
                {**record, "last_job_start_time": later} if record["integration_id"] == key else record
                for record in one.records
            ]
            answers[number] = replace(one, body={"results": records})
    assert verdicts(answers)[LIST_START] == "refuted"


def test_a_report_that_shows_what_was_read_is_not_given_out() -> None:
    answers = read_world(varied_world(ids=("aaaa-9999",)))
    with pytest.raises(ReportLeaksError) as caught:
        render_report(answers, PRIVATE)
    assert str(caught.value) == (
        "the report would show 1 of the texts that were read, so it is not printed; this is a defect of the exporter, "
        "or a name that looks like a mask: report that it happened, without the texts"
    )


@pytest.mark.parametrize(
    ("record", "headers", "asked", "private"),
    [
        (listed(warehouse_type="aaaa-99"), {}, "j", "x"),
        (listed(warehouse_type="Shop-17"), {"via": "aaaa-99"}, "j", "x"),
        (listed(warehouse_type="Shop-17"), {}, "aaaa-99", "x"),
        (listed(warehouse_type="Shop-17"), {}, "j", "aaaa-99"),
    ],
)
def test_no_mask_is_shown_that_is_a_text_of_its_own(
    record: dict[str, Any], headers: dict[str, str], asked: str, private: str
) -> None:
    answers = [listing(record), page(of=asked, headers=headers)]
    with pytest.raises(ReportLeaksError, match="would show 1 of"):
        render_report(answers, [private])
    assert "aaaa-99" in render_report([listing(listed(warehouse_type="Shop-17"))], [])


@pytest.mark.parametrize("name", ["order: created", "link: users", "requests: by day"])
def test_a_name_that_has_words_of_a_report_does_not_stop_it(name: str) -> None:
    assert render_report(read_world(varied_world(names=(name,))), PRIVATE).startswith("Field report")


def test_headers_of_nines_do_not_stop_a_report() -> None:
    rich = [replace(one, headers={**one.headers, "age": "9999", "vary": "a;q=99999"}) for one in ANSWERS]
    assert render_report(rich, PRIVATE).startswith("Field report")


def test_an_id_of_which_a_mask_shows_the_beginning_is_not_given_out() -> None:
    with pytest.raises(ReportLeaksError):
        render_report(read_world(varied_world(ids=("a" * 80,))), PRIVATE)


def test_no_figure_is_longer_than_a_count() -> None:
    late = [replace(one, at=NOON + timedelta(days=2000)) for one in ANSWERS]
    long = [replace(one, body=json.loads(json.dumps(one.body))) for one in late]
    for one in long:
        for record in one.records if one.is_list else ():
            record.update(app_group_id="x" * 4321)  # type: ignore[attr-defined]  # a dict of this test's own
    report = render_report(long, PRIVATE)
    assert "more than 999d" in report
    assert "of more than 999" in report
    assert re.search(r"\d{4}", re.sub("9{4}|8601", "", report)) is None


def test_a_style_has_the_times_of_most_records_only() -> None:
    times = {"sync_start_time": "2026-03-01T11:00:00.1234567Z", "sync_finish_time": "2026-03-01T11:01:00.1234567Z"}
    records = [{**times, "last_timestamp_synced": "2026-03-01T11:00:00Z"}]
    report = render_report([FieldAnswer(("w", "i"), 0, NOON, 200, {}, {"results": records})], PRIVATE)
    assert "fraction_digits" not in report


def test_rows_that_look_like_the_mask_of_a_year_do_not_stop_a_report() -> None:
    answers = changed(lambda record: record.update(rows_synced=9999, rows_failed_with_errors=999999), at=2)
    assert render_report(answers, PRIVATE).startswith("Field report")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("colour: red\n", "a style has no such field"),
        ("order: random\n", "no value of the field"),
        ("fraction_digits: 7\n", "no value of the field"),
        ("fraction_digits: true\n", "no value of the field"),
        ("offset: UTC\n", "no value of the field"),
        ("just text\n", "not a style"),
        ("text\n---\norder: [\n", "style:"),
    ],
)
def test_what_is_no_style_is_refused_with_its_place(content: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "style").write_text(content)
    with pytest.raises(ConfigError, match=problem):
        load_style(str(tmp_path / "style"))


def test_every_field_of_a_style_is_read_from_reports_or_known_not_to_be(tmp_path: Path) -> None:
    (tmp_path / "report").write_text(report_of(Style()))
    named = {line.partition(":")[0] for line in (tmp_path / "report").read_text().rpartition("---\n")[2].splitlines()}
    assert {each.name for each in dataclasses.fields(Style)} - named == NOT_SHOWN
