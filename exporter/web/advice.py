"""What to do first about each kind of problem, in one sentence; the runbook says the rest."""

from collections.abc import Mapping

from exporter.version import REPOSITORY

FIRST_STEPS: Mapping[str, str] = {
    "config_error": "Use “Test connection” in Braze: credentials, grants, network rules.",
    "failing": "Read the error in the integration's sync log in Braze, fix it, then start a sync by hand.",
    "failed": "Read the error in the integration's sync log in Braze if the next sync fails too.",
    "overdue": "Check in Braze that the integration is active and its schedule is right; start a sync by hand.",
    "never_synced": "Check in Braze that the integration is active and has a schedule; start a sync by hand.",
    "unscheduled": "Ask who removed the schedule; restore it in Braze if that was not intended.",
    "paused": "Ask who paused it; resume it in Braze if that was not intended.",
    "gone": "Ask who deleted or renamed it; update the configuration.",
    "stuck": "End the query in the warehouse; if the sync still runs an hour later, ask Braze support to end it.",
    "running_long": "Check in the warehouse whether Braze's query is running, queued or gone.",
    "slow": "Check the query's plan and queue in the warehouse.",
    "rows_failed": "Download the row errors from the sync log in Braze; fix the rows and give them a new UPDATED_AT.",
    "rows_low": "Check in the warehouse whether the table still gets all its rows, and with what UPDATED_AT.",
    "rows_high": "Find the job that changed UPDATED_AT of all these rows: each row costs data points.",
    "behind": "Check in the warehouse whether the job that fills the table still runs.",
    "future_watermark": "Correct UPDATED_AT in the warehouse, then have Braze support reset the watermark.",
    "resynced": "Give the rows that share the latest UPDATED_AT distinct times.",
    "success_too_old": "Check the latest syncs below: whether there are any, and why none was a success.",
    "unknown_status": "Check in Braze whether the rows were synced, and report the status to this project.",
    "poll_failing": "Check the reason below: a wrong id, a key without permission, or the network.",
    "stale": "Check the reason below: a wrong id, a key without permission, or the network.",
}


LIMITS_URL = f"{REPOSITORY}/blob/main/docs/configuration.md#limits-limits"
"""Where the configuration's keys for limits are explained."""


def runbook_url(kind: str) -> str:
    """Return where the runbook tells about a kind of problem."""
    return f"{REPOSITORY}/blob/main/docs/runbook.md#{kind}"
