"""Strategies for what may arrive instead of Braze's documents: any JSON, and records that are nearly right."""

from typing import Any

from hypothesis import strategies as st

_NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 1e308, float("inf"), float("nan"), -0.0, 2**53])
)
_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "\x00", "\ud800", "9" * 5000, "running", "SUCCESS", " Config Error ", "Limit Exceeded"]),
)

ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(_TEXTS, inner, max_size=5)),
    max_leaves=20,
)

TIMES = st.one_of(
    st.datetimes().map(lambda time: time.isoformat() + "Z"),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.sampled_from(
        [
            *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"),
            *(
                "2026-03-01",
                "20260301T000000Z",
                "2026-03-01T00:00:00.123456789Z",
                "2026-W09-1",
                "2026-03-01 00:00:00 UTC",
            ),
            *("2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:00:60Z", "yesterday", "1772323200"),
            *("\uff12\uff10\uff12\uff16-03-01T00:00:00Z", "2026-03-01T00:00:00\ud800"),
        ]
    ),
)

_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "job_status": st.sampled_from(["running", "success", "partial", "error", "config_error", "Success", "hibernating"]),
    "sync_start_time": TIMES,
    "sync_finish_time": TIMES,
    "last_timestamp_synced": TIMES,
    "rows_synced": st.integers(-1, 10**20),
    "rows_failed_with_errors": st.floats(),
}

RECORDS = st.fixed_dictionaries(
    {}, optional={name: st.one_of(strategy, ANY_JSON) for name, strategy in _FIELDS.items()}
)
"""A sync as Braze would write it, with any of its fields missing or replaced by anything."""

PAGES = st.one_of(
    ANY_JSON,
    st.fixed_dictionaries({"results": st.lists(st.one_of(RECORDS, ANY_JSON), max_size=12)}),
    st.fixed_dictionaries({"results": ANY_JSON}),
)
