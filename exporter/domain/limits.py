"""
What is still fine: the limits an operator configured, what was learned in their place, and the defaults.

`LIMITS` is the one table of limits: configuration, `check`, `/config` and the documents follow it. A limit is `off`, a
value, or `auto`: learned from the integration's own past, and the fixed default while too little is known. Each limit
in effect says where it comes from. Pure; what a limit means for a sync is decided in `health.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Keyword(StrEnum):
    """What a limit can be besides a number."""

    AUTO = "auto"
    OFF = "off"


class Unit(StrEnum):
    """How a limit is written and read."""

    COUNT = "count"
    """A whole number from 0."""
    SHARE = "share"
    """0 to 1; written as a percentage."""
    SECONDS = "seconds"
    """Written as a duration."""


class Source(StrEnum):
    """Where a limit in effect comes from."""

    CONFIGURED = "configured"
    LEARNED = "learned"
    DEFAULT = "default"
    OFF = "off"


class Sensitivity(StrEnum):
    """Widens (low) or narrows (high) every learned limit."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Alerts(StrEnum):
    """How loud the problems of an integration may be."""

    ALL = "all"
    NO_PAGE = "no-page"
    """Critical becomes warning."""
    OFF = "off"
    """All become info."""


Setting = float | Keyword
"""What the configuration can say of one limit."""


@dataclass(frozen=True, slots=True)
class LimitKey:
    """One limit that can be configured."""

    name: str
    unit: Unit
    default: float | None
    """What `auto` means while nothing is learned; None: no limit."""
    meaning: str
    setting: Setting = Keyword.AUTO
    """What holds where nothing is configured."""


LIMITS = (
    LimitKey("failed_syncs", Unit.COUNT, 1.0, "failed syncs in a row; one more is critical", 1.0),
    LimitKey("failed_rows", Unit.SHARE, 0.01, "share of a sync's rows that may fail"),
    LimitKey("start_delay", Unit.SECONDS, 15 * 60.0, "how late an expected sync may start"),
    LimitKey("sync_duration", Unit.SECONDS, 6 * 3600.0, "how long a sync may run; three times that is critical"),
    LimitKey("lag", Unit.SECONDS, None, "how old the latest synced row may be when a sync finishes"),
    LimitKey("success_age", Unit.SECONDS, None, "how old the last success may be"),
    LimitKey("rows_synced", Unit.COUNT, None, "fewest rows of a sync"),
)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The limits as configured for one integration; a key that is missing has its setting from `LIMITS`."""

    configured: Mapping[str, Setting] = field(default_factory=dict)
    sensitivity: Sensitivity = Sensitivity.MEDIUM

    def setting(self, key: LimitKey) -> Setting:
        return self.configured.get(key.name, key.setting)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in effect."""

    value: float | None
    """In the unit of its key; None where nothing is limited."""
    source: Source
    syncs: int = 0
    """From how many syncs it was learned."""


_NONE = Limit(None, Source.DEFAULT)


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits in effect for one integration."""

    failed_syncs: Limit = _NONE
    failed_rows: Limit = _NONE
    start_delay: Limit = _NONE
    sync_duration: Limit = _NONE
    lag: Limit = _NONE
    success_age: Limit = _NONE
    rows_synced: Limit = _NONE
    rows_synced_upper: Limit = _NONE
    """Only ever learned; off where `rows_synced` is."""

    def __iter__(self) -> Iterator[tuple[str, Limit]]:
        """Each limit with its name."""
        return ((name, getattr(self, name)) for name in self.__slots__)


def limits_in_effect(settings: LimitSettings, learned: Mapping[str, float] | None = None, syncs: int = 0) -> Limits:
    """
    Return what holds now.

    Args:
        settings: As configured.
        learned: What the past says, by the name in `Limits`; a name that is missing was not learned.
        syncs: How many syncs that rests on.

    """
    learned = learned or {}
    limits = Limits(**{key.name: _in_effect(key, settings, learned, syncs) for key in LIMITS})
    if limits.rows_synced.source is Source.OFF:
        return replace(limits, rows_synced_upper=Limit(None, Source.OFF))
    upper = learned.get("rows_synced_upper")
    return limits if upper is None else replace(limits, rows_synced_upper=Limit(upper, Source.LEARNED, syncs))


def _in_effect(key: LimitKey, settings: LimitSettings, learned: Mapping[str, float], syncs: int) -> Limit:
    setting = settings.setting(key)
    if setting is Keyword.OFF:
        return Limit(None, Source.OFF)
    if setting is not Keyword.AUTO:
        return Limit(setting, Source.DEFAULT if setting == key.setting else Source.CONFIGURED)
    value = learned.get(key.name)
    if value is not None:
        return Limit(value, Source.LEARNED, syncs)
    return Limit(key.default, Source.DEFAULT)
