"""
What problems and alerts are called on a dashboard, and where each one is explained.

One entry for each kind of problem and each alert of `deploy/prometheus/rules`; a test compares them.
"""

DOCUMENTS = "https://github.com/braze-cdi-exporter/braze-cdi-exporter/blob/main/docs/"
RUNBOOK = f"{DOCUMENTS}runbook.md"

_OF_INTEGRATIONS = {
    "config_error": ("BrazeCDISyncConfigError", "Misconfigured"),
    "failing": ("BrazeCDISyncFailing", "Syncs keep failing"),
    "failed": ("BrazeCDISyncFailed", "Sync failed"),
    "overdue": ("BrazeCDISyncOverdue", "Sync overdue"),
    "never_synced": ("BrazeCDINeverSynced", "Never synced"),
    "unscheduled": ("BrazeCDIUnscheduled", "Schedule lost"),
    "paused": ("BrazeCDIIntegrationPaused", "Paused"),
    "gone": ("BrazeCDIIntegrationGone", "Gone from Braze"),
    "stuck": ("BrazeCDISyncStuck", "Sync stuck"),
    "running_long": ("BrazeCDISyncRunningLong", "Sync runs long"),
    "slow": ("BrazeCDISyncsSlow", "Syncs are slow"),
    "rows_failed": ("BrazeCDIRowsFailed", "Rows fail"),
    "rows_low": ("BrazeCDIRowsLow", "Too few rows"),
    "rows_high": ("BrazeCDIRowsHigh", "Too many rows"),
    "behind": ("BrazeCDIWatermarkBehind", "Data gets old"),
    "future_watermark": ("BrazeCDIWatermarkInFuture", "Future watermark"),
    "resynced": ("BrazeCDIRowsSyncedAgain", "Same rows again and again"),
    "success_too_old": ("BrazeCDISuccessTooOld", "No success for too long"),
    "unknown_status": ("BrazeCDISyncStatusUnknown", "Unknown status"),
    "poll_failing": ("BrazeCDIIntegrationPollsFailing", "Cannot be polled"),
    "stale": ("BrazeCDIIntegrationStale", "Not polled for too long"),
}
"""Each kind of problem with its alert and its words."""

PROBLEMS = {kind: words for kind, (_, words) in _OF_INTEGRATIONS.items()}
ALERTS = dict(_OF_INTEGRATIONS.values()) | {
    "BrazeCDIExporterDown": "No exporter answers",
    "BrazeCDIExporterReplicaDown": "An exporter is down",
    "BrazeCDIWorkspaceUnwatched": "Workspace not watched",
    "BrazeCDIPollsStopped": "Polls have stopped",
    "BrazeCDIConfigReloadFailed": "Configuration refused",
    "BrazeCDIStateNotPersistent": "State in memory only",
    "BrazeCDIStateWriteFailing": "State not written",
    "BrazeCDIClockSkewed": "Clock is wrong",
    "BrazeCDIWorkspacePollsFailing": "Most polls fail",
    "BrazeCDIPollsUnreliable": "Many polls fail",
    "BrazeCDIKeyRejected": "Key rejected",
    "BrazeCDIPermissionMissing": "Permission missing",
    "BrazeCDIListForbidden": "Listing forbidden",
    "BrazeCDIRateLimited": "Throttled by Braze",
    "BrazeCDIBudgetLow": "Budget nearly used up",
    "BrazeCDIPollIntervalStretched": "Polled less often than wanted",
    "BrazeCDIDiscoveryStale": "Discovery out of date",
    "BrazeCDIIntegrationsUnseen": "Integrations not seen",
    "BrazeCDIIntegrationsUnwatched": "Integrations not watched",
    "BrazeCDIPayloadAnomalies": "Odd values from Braze",
    "BrazeCDIHistoryGap": "Counters may be short",
}

_SECTIONS = {alert: kind for kind, (alert, _) in _OF_INTEGRATIONS.items()}


def runbook_of(name: str) -> str:
    """Return where the runbook explains a kind of problem or an alert."""
    return f"{RUNBOOK}#{_SECTIONS.get(name, name).lower()}"
