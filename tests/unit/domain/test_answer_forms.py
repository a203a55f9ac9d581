"""What a field report says of the form of answers, each assumption on answers made by hand."""

from typing import Any

import pytest

from exporter.domain import answer_forms
from tests.field_answers import clock, evidence, lines_of, listed, listing, page, sync, told, verdict_of, without

NOTHING: tuple[str, list[str], dict[str, bool]] = ("not seen", [], {})
UUID = "0a1b2c3d-0000-4000-8000-00000000000f"


# Words


def test_words_are_counted_by_their_documented_form_and_others_by_their_mask() -> None:
    seen = evidence(
        page(sync(0, "Success"), sync(1, "success"), sync(2, " Config Error "), sync(3, "Odd-1")),
        listing(listed(integration_status="Active", last_job_status="Success", warehouse_type="Oracle9")),
    )
    assert told(answer_forms.words(seen)) == (
        "refuted",
        [
            "statuses of syncs: 2 success, 1 config_error, 1 aaa-9",
            "with a capital: 2 of 4",
            "last_job_status: 1 success",
            "integration_status: 1 active",
            "integration_type: 1 snowflake",
            "warehouse_type: 1 aaaaaa9",
        ],
        {"capitalised": False},
    )


@pytest.mark.parametrize(("capitals", "of", "style"), [(1, 2, False), (2, 5, False), (3, 5, True), (2, 2, True)])
def test_words_are_capitalised_where_more_than_half_are(capitals: int, of: int, style: bool) -> None:
    words = ["Success"] * capitals + ["success"] * (of - capitals)
    finding = answer_forms.words(evidence(page(*(sync(number, word) for number, word in enumerate(words)))))
    assert told(finding)[::2] == ("confirmed", {"capitalised": style})


def test_words_of_the_list_alone_tell_nothing_of_capitals() -> None:
    finding = answer_forms.words(evidence(listing(listed())))
    assert told(finding)[::2] == ("confirmed", {})
    assert lines_of(finding)[:2] == ["statuses of syncs: none", "with a capital: 0 of 0"]
    assert told(answer_forms.words(evidence())) == NOTHING


@pytest.mark.parametrize("value", [7, None])
def test_a_status_that_is_no_word_is_not_counted_and_refutes(value: Any) -> None:
    finding = answer_forms.words(evidence(page(sync(0, value), sync(1))))
    assert (verdict_of(finding), lines_of(finding)[:2]) == (
        "refuted",
        ["statuses of syncs: 1 success", "with a capital: 0 of 1"],
    )


def test_one_odd_word_on_either_side_refutes() -> None:
    odd_sync, odd_list = page(sync(0, "hibernating")), listing(listed(integration_status="hibernating"))
    assert verdict_of(answer_forms.words(evidence(odd_sync))) == "refuted"
    assert verdict_of(answer_forms.words(evidence(odd_list))) == "refuted"
    assert verdict_of(answer_forms.words(evidence(odd_sync, odd_list))) == "refuted"


# Keys


def test_keys_that_are_missing_null_or_unknown_are_counted_by_name() -> None:
    odd = {**without(sync(0, rows_synced=None), ["rows_failed_with_errors"]), "Shard7": 1}
    seen = evidence(page(odd, sync(1)), listing(without(listed(contact_emails="x"), ["app_group_id"]), listed("j")))
    assert told(answer_forms.keys(seen)) == (
        "refuted",
        [
            "missing: 1 rows_failed_with_errors, 1 app_group_id",
            "null: 1 rows_synced",
            "unknown: 1 aaaaa9",
            "contact_emails: 1 string, 1 array",
        ],
        {"unknown": "missing"},
    )


@pytest.mark.parametrize(
    ("record", "verdict", "style"),
    [
        (sync(), "confirmed", {}),
        (sync(rows_synced=None), "confirmed", {"unknown": "null"}),
        (without(sync(), ["rows_synced"]), "refuted", {"unknown": "missing"}),
        (sync(more=1), "refuted", {}),
    ],
)
def test_keys_say_how_braze_writes_what_it_does_not_know(
    record: dict[str, Any], verdict: str, style: dict[str, str]
) -> None:
    assert told(answer_forms.keys(evidence(page(record))))[::2] == (verdict, style)


def test_the_list_has_fields_of_its_own() -> None:
    assert told(answer_forms.keys(evidence(listing(listed())))) == (
        "confirmed",
        ["missing: none", "null: none", "unknown: none", "contact_emails: 1 array"],
        {},
    )
    assert told(answer_forms.keys(evidence())) == NOTHING


# Pages


def linked(link: str, *records: Any, **place: Any) -> Any:
    return page(*records, headers={"link": link}, **place)


FIRST = '</cdi/integrations/i/job_sync_status/>; rel="first"'
TEN = [sync(-minute) for minute in range(10)]
DOCUMENTED = FIRST + ',</cdi/integrations/i/job_sync_status?cursor=MTIz>; rel="next"'
CLEAN = FIRST + ', </cdi/integrations/i/job_sync_status?cursor=MTIz>; rel="next"'
ABSOLUTE = '<https://rest.example.com/cdi/integrations/i?cursor=abc-1>; rel="next"'
LONE = '</cdi/integrations/i/job_sync_status?cursor=MTIz>; rel="next"'
OTHER = '</elsewhere?cursor=MTIz>; rel="next"'
LOOSE = LONE.replace(">; rel", "> ; rel")


@pytest.mark.parametrize(
    ("links", "verdict", "form", "style"),
    [
        ([DOCUMENTED], "confirmed", "1 documented", {"link": "documented"}),
        ([CLEAN], "refuted", "1 clean", {"link": "clean"}),
        ([ABSOLUTE], "refuted", "1 absolute", {"link": "absolute"}),
        ([OTHER], "refuted", "1 other", {}),
        ([LOOSE], "refuted", "1 other", {}),
        ([LONE], "confirmed", "none", {}),
        ([DOCUMENTED, DOCUMENTED, CLEAN], "refuted", "2 documented, 1 clean", {}),
    ],
)
def test_pages_are_linked_in_one_of_the_known_forms(
    links: list[str], verdict: str, form: str, style: dict[str, str]
) -> None:
    finding = answer_forms.paging(evidence(*(linked(link, *TEN, of=f"i{n}") for n, link in enumerate(links))))
    assert told(finding)[::2] == (verdict, style)
    assert lines_of(finding)[:2] == [
        f"pages with a next that hold ten records: {len(links)} of {len(links)}",
        f"form of Link: {form}",
    ]


@pytest.mark.parametrize("records", [TEN[:9], [*TEN, sync(-10)]])
def test_a_page_that_others_follow_holds_ten_records(records: list[Any]) -> None:
    finding = answer_forms.paging(evidence(linked(DOCUMENTED, *records), linked(DOCUMENTED, *TEN, of="j")))
    assert (verdict_of(finding), lines_of(finding)[0]) == ("refuted", "pages with a next that hold ten records: 1 of 2")


def test_pages_of_the_list_count_and_pages_without_a_next_do_not() -> None:
    finding = answer_forms.paging(evidence(linked(DOCUMENTED, *(listed(str(n)) for n in range(10)), of=""), page()))
    assert (verdict_of(finding), lines_of(finding)[0]) == (
        "confirmed",
        "pages with a next that hold ten records: 1 of 1",
    )
    assert told(answer_forms.paging(evidence(page(*TEN), linked(FIRST, *TEN, of="j")))) == NOTHING


@pytest.mark.parametrize(
    ("cursor", "form"),
    [
        ("MTIz", "base64 of 9"),
        ("b2Zmc2V0OjIw", "base64 of aaaaaa:9"),
        ("MTI%3D", "base64 of 9"),  # the sign of equality is escaped
        ("MTI-z", "aaa-a"),  # base64 but for one character
        ("gICA", "aaaa"),  # not ASCII
        ("", "base64 of "),
        ("cursor=ab", "aaaaaa=aa"),
    ],
)
def test_a_cursor_is_masked_with_what_it_encodes(cursor: str, form: str) -> None:
    link = DOCUMENTED.replace("MTIz", cursor)
    assert lines_of(answer_forms.paging(evidence(linked(link, *TEN))))[2] == f"cursors: 1 {form}"


def test_further_pages_that_repeat_a_record_are_counted() -> None:
    pages = (linked(DOCUMENTED, *TEN), page(sync(-9), sync(-10), number=1), page(sync(-11), number=2))
    line = lines_of(answer_forms.paging(evidence(*pages)))[3]
    assert line == "further pages that repeat a record: 1 of 2"


# Times


def at(*texts: str) -> Any:
    """Evidence that has just these times."""
    bare = sync(None, last_timestamp_synced=None)
    return evidence(page(*({**bare, "sync_start_time": text} for text in texts)))


@pytest.mark.parametrize(
    ("texts", "verdict", "style"),
    [
        ([clock(0)], "confirmed", {"fraction_digits": 0, "offset": "Z"}),
        (["2026-03-01T12:00:00.123+02:00"], "confirmed", {"fraction_digits": 3, "offset": "+02:00"}),
        (["2026-03-01T12:00:00.123456-08:30"], "confirmed", {"fraction_digits": 6, "offset": "-08:30"}),
        (["2026-03-01T12:00:00"], "refuted", {"fraction_digits": 0, "offset": ""}),
        ([clock(0), "2026-03-01T12:01:00.5Z"], "refuted", {"offset": "Z"}),
        ([clock(0), "2026-03-01T12:01:00+00:00"], "refuted", {"fraction_digits": 0}),
        ([clock(0), "noon"], "refuted", {}),
        ([clock(0), clock(1), "noon"], "refuted", {"fraction_digits": 0, "offset": "Z"}),
        ([clock(0), clock(1), "noon", "one", "two"], "refuted", {}),
    ],
)
def test_times_have_one_form_and_the_style_has_that_of_most(
    texts: list[str], verdict: str, style: dict[str, Any]
) -> None:
    assert told(answer_forms.times(at(*texts)))[::2] == (verdict, style)


def test_times_of_all_fields_are_shown_as_masks() -> None:
    seen = evidence(page(sync(0)), listing(listed(next_scheduled_run="soon")))
    assert lines_of(answer_forms.times(seen)) == ["masks: 5 9999-99-99a99:99:99a, 1 aaaa"]
    assert told(answer_forms.times(evidence(page(sync(None, last_timestamp_synced=None))))) == NOTHING


# Files


@pytest.mark.parametrize(
    ("watermarks", "verdict", "line"),
    [
        ([None], "confirmed", "1 null"),
        ([None, "-"], "confirmed", "1 null, 1 missing"),
        ([None, clock(0)], "refuted", "1 null, 1 string"),
        ([], "not seen", "none"),
    ],
)
def test_syncs_of_files_have_no_watermark(watermarks: list[str | None], verdict: str, line: str) -> None:
    records = [sync(-n, last_timestamp_synced=value) for n, value in enumerate(watermarks)]
    absent = ["last_timestamp_synced"]
    records = [without(one, absent if one["last_timestamp_synced"] == "-" else ()) for one in records]
    files, table = listed("f", warehouse_type="S3"), listed("t")
    seen = evidence(listing(files, table), page(*records, of="f"), page(sync(), of="t"))
    assert told(answer_forms.files_watermark(seen)) == (verdict, [f"last_timestamp_synced: {line}"], {})
