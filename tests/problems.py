"""Contract 7 for tests: the closed list of problems, how bad each can be, and what each hides, word for word."""

from exporter.domain.problem import Severity

HIGHEST = {
    "config_error": Severity.CRITICAL,
    "failing": Severity.CRITICAL,
    "failed": Severity.WARNING,
    "overdue": Severity.CRITICAL,
    "never_synced": Severity.WARNING,
    "unscheduled": Severity.WARNING,
    "paused": Severity.WARNING,
    "gone": Severity.WARNING,
    "stuck": Severity.CRITICAL,
    "running_long": Severity.WARNING,
    "rows_failed": Severity.CRITICAL,
    "slow": Severity.WARNING,
    "rows_low": Severity.CRITICAL,
    "rows_high": Severity.WARNING,
    "behind": Severity.CRITICAL,
    "future_watermark": Severity.CRITICAL,
    "resynced": Severity.WARNING,
    "success_too_old": Severity.CRITICAL,
    "unknown_status": Severity.WARNING,
    "poll_failing": Severity.WARNING,
    "stale": Severity.CRITICAL,
}
"""The kinds, each with its highest severity."""
SECONDS = {
    *("overdue", "never_synced", "stuck", "running_long", "slow", "behind", "future_watermark", "success_too_old"),
}
COUNTS = {"failing", "failed", "rows_low", "rows_high", "resynced"}
MEASURED = {*SECONDS, *COUNTS, "rows_failed"}
"""The kinds that have a value."""
LIMITED = {*MEASURED, "stale"}
"""The kinds that have a limit."""
_ROWS = {"rows_failed", "rows_low", "rows_high"}
_HIDES: dict[str, set[str]] = {
    "paused": set(HIGHEST),
    "gone": set(HIGHEST) - {"paused"},
    "config_error": {"failing", "failed", "behind", "success_too_old", "overdue", *_ROWS},
    "failing": {"behind", "success_too_old", "overdue", *_ROWS},
    "failed": {"behind", "success_too_old", *_ROWS},
    "never_synced": {"overdue"},
    "stuck": {"overdue"},
    "running_long": {"overdue"},
    "unscheduled": {"overdue"},
    "overdue": {"behind", "success_too_old"},
    "future_watermark": {"behind", "resynced", "rows_low"},
    "stale": {"poll_failing"},
}
_SAY_WHY = {"unscheduled", "stuck", "running_long", "rows_failed"}
"""Besides those, what explains an old success: syncs that no longer start, do not end, or lose rows."""


def hidden_by(kind: str) -> set[str]:
    """The kinds that *kind* hides."""
    hidden = _HIDES.get(kind, set()) - {kind}
    if kind in _SAY_WHY:
        hidden = {*hidden, "success_too_old"}
    return {*hidden, "running_long"} if kind == "stuck" else hidden  # the same run
