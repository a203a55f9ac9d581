"""Any JSON may come as a page of the list: it is decoded, bounded, and tells nothing personal."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.decode import is_path_segment
from exporter.domain.listing import MAX_TEXT, decode_integrations

FIELDS = (
    "integration_id",
    "integration_name",
    "integration_type",
    "integration_status",
    "warehouse_type",
    "app_group_id",
    "last_updated_at",
    "last_job_start_time",
    "last_job_status",
    "next_scheduled_run",
    "contact_emails",
)
KINDS = {f"{name}_{trouble}" for name in FIELDS for trouble in ("invalid", "unknown")}
KINDS |= {"record_not_an_object", "too_many_records"}

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
TIMES = st.datetimes().map(lambda time: time.isoformat() + "Z") | st.just("9999-12-31T23:59:59-23:59")
WORDS = st.sampled_from(("running", "Success", "config_error", "a", "b-1", "active"))
RECORDS = st.dictionaries(st.sampled_from(FIELDS), JSON | TIMES | WORDS)
PAGES = st.fixed_dictionaries({"results": st.lists(RECORDS | JSON, max_size=12)}) | JSON


@given(PAGES)
def test_any_json_is_a_page_or_a_problem(body: Any) -> None:
    decoded = decode_integrations(body)
    assert set(decoded.anomalies) <= KINDS
    assert all(count > 0 for count in decoded.anomalies.values())
    if decoded.problem is not None:
        assert decoded.integrations == ()
    for one in decoded.integrations:
        assert is_path_segment(one.integration_id)
        texts = (one.integration_name, one.integration_type, one.integration_status, one.warehouse_type)
        assert all(len(text) <= MAX_TEXT for text in (*texts, one.app_group_id))
        for time in (one.last_updated_at, one.last_job_start_time, one.next_scheduled_run):
            assert time is None or time.utcoffset() is not None


@given(st.lists(RECORDS, max_size=5))
def test_no_contact_is_ever_kept(records: list[dict[str, Any]]) -> None:
    secret = "somebody@example.com"
    body = {"results": [{**record, "contact_emails": [secret]} for record in records]}
    assert secret not in repr(decode_integrations(json.loads(json.dumps(body))))
