"""Whatever the names, ids, keys and addresses, no field report shows one of them."""

from dataclasses import replace
from string import ascii_lowercase, digits
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from exporter.domain.field_evidence import FieldAnswer
from exporter.domain.field_report import ReportLeaksError, render_report
from exporter.domain.masks import mask
from tests.field_reports import read_world, varied_world

ANSWERS = read_world(varied_world())
PLAIN = render_report(ANSWERS, [])
ANY_TEXT = st.text(min_size=4, max_size=40)
ID = st.text(f"{ascii_lowercase}{digits}-_", min_size=8, max_size=36)
SLOTS = {
    "integration_name": ANY_TEXT,
    "integration_id": ID,
    "app_group_id": ID,
    "contact_emails": st.emails(),
    "integration_type": ANY_TEXT,
    "warehouse_type": ANY_TEXT,
    "integration_status": ANY_TEXT,
    "job_status": ANY_TEXT,
    "next_scheduled_run": st.datetimes().map(lambda at: at.isoformat()),
    "last_timestamp_synced": st.one_of(ANY_TEXT, st.datetimes().map(lambda at: at.isoformat())),
    "rows_synced": st.integers(min_value=1000),
}
"""Where Braze may send what must not show."""


def filled(answer: FieldAnswer, values: dict[str, Any], unknown_key: str) -> FieldAnswer:
    records = [
        {name: values.get(name, old) for name, old in record.items()} | {unknown_key: values["integration_name"]}
        for record in answer.records
    ]
    headers = {**answer.headers, "etag": values["app_group_id"], "via": values["integration_name"]}
    return replace(answer, body={"results": records, "message": "success"}, headers=headers)


@settings(max_examples=30)
@given(values=st.fixed_dictionaries(SLOTS), key=ID, unknown_key=ANY_TEXT)
def test_no_report_shows_a_text_that_was_read(values: dict[str, Any], key: str, unknown_key: str) -> None:
    assume(unknown_key not in SLOTS)
    private = [*map(str, values.values()), key, unknown_key]
    try:
        report = render_report([filled(answer, values, unknown_key) for answer in ANSWERS], [key])
    except ReportLeaksError as refused:
        assert any(mask(text).lower() == text.lower() for text in private), "it is masked, so nothing should be found"
        report = str(refused)
    for text in private:
        assert text.strip() not in report or text.strip() in PLAIN, text
    assert str(values["rows_synced"]) not in report.split()


def test_a_text_that_is_its_own_mask_is_found() -> None:
    values = {**dict.fromkeys(SLOTS, "x"), "integration_type": "aaaa aaaaa"}
    with pytest.raises(ReportLeaksError):
        render_report([filled(answer, values, "surprise") for answer in ANSWERS], [])
