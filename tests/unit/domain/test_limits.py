"""Which limit is in effect, and where it comes from."""

from collections.abc import Mapping
from dataclasses import fields

import pytest

from exporter.domain.limits import LIMITS, Keyword, Limit, Limits, LimitSettings, Setting, Source, limits_in_effect

DEFAULTS = {"failed_syncs": 1, "failed_rows": 0.01, "start_delay": 900, "sync_duration": 21_600}
"""Of contract 2; the others are off while nothing is learned."""


def in_effect(
    configured: Mapping[str, Setting] | None = None, learned: Mapping[str, float] | None = None, syncs: int = 0
) -> dict[str, Limit]:
    limits = limits_in_effect(LimitSettings(configured or {}), learned, syncs)
    return {key.name: getattr(limits, key.name) for key in LIMITS}


def test_the_table_has_every_limit() -> None:
    assert [*(key.name for key in LIMITS), "rows_synced_upper"] == [field.name for field in fields(Limits)]


def test_where_nothing_is_configured_or_learned_the_defaults_hold() -> None:
    assert in_effect() == {key.name: Limit(DEFAULTS.get(key.name), Source.DEFAULT) for key in LIMITS}


@pytest.mark.parametrize("key", [key.name for key in LIMITS])
def test_each_limit_is_what_is_configured_for_it(key: str) -> None:
    others = {name: limit for name, limit in in_effect().items() if name != key}
    assert in_effect({key: 0.5}) == {**others, key: Limit(0.5, Source.CONFIGURED)}
    assert in_effect({key: 0.0}) == {**others, key: Limit(0.0, Source.CONFIGURED)}
    assert in_effect({key: Keyword.OFF}) == {**others, key: Limit(None, Source.OFF)}
    assert in_effect({key: Keyword.AUTO}) == {**others, key: Limit(DEFAULTS.get(key), Source.DEFAULT)}


def test_a_default_that_is_written_down_is_the_default_still() -> None:
    assert in_effect({"failed_syncs": 1.0})["failed_syncs"] == Limit(1.0, Source.DEFAULT)


def test_what_is_learned_takes_the_place_of_a_default_and_of_nothing_else() -> None:
    learned = {"lag": 60.0, "start_delay": 0.0, "sync_duration": 30.0, "success_age": 40.0}
    configured: dict[str, Setting] = {"sync_duration": 50.0, "success_age": Keyword.OFF, "lag": Keyword.AUTO}
    limits = in_effect(configured, learned, 7)
    assert limits["lag"] == Limit(60.0, Source.LEARNED, 7)
    assert limits["start_delay"] == Limit(0.0, Source.LEARNED, 7)
    assert limits["sync_duration"] == Limit(50.0, Source.CONFIGURED)
    assert limits["success_age"] == Limit(None, Source.OFF)
    assert limits["failed_rows"] == Limit(0.01, Source.DEFAULT)


def test_without_any_settings_nothing_is_limited() -> None:
    assert {getattr(Limits(), key.name) for key in LIMITS} == {Limit(None, Source.DEFAULT)}


def test_the_most_rows_are_only_ever_learned_and_off_where_the_fewest_are() -> None:
    learned = {"rows_synced_upper": 900.0}
    assert limits_in_effect(LimitSettings()).rows_synced_upper == Limit(None, Source.DEFAULT)
    assert limits_in_effect(LimitSettings(), learned, 7).rows_synced_upper == Limit(900.0, Source.LEARNED, 7)
    configured = LimitSettings({"rows_synced": 5.0})
    assert limits_in_effect(configured, learned, 7).rows_synced_upper == Limit(900.0, Source.LEARNED, 7)
    off = LimitSettings({"rows_synced": Keyword.OFF})
    assert limits_in_effect(off, learned, 7).rows_synced_upper == Limit(None, Source.OFF)


def test_limits_come_with_their_names_in_order() -> None:
    assert [name for name, _ in Limits()] == [field.name for field in fields(Limits)]
    assert dict(limits_in_effect(LimitSettings({"lag": 5.0})))["lag"] == Limit(5.0, Source.CONFIGURED)
