"""
What the alerts are called on a dashboard, and where each one is explained.

One entry for each alert of `deploy/prometheus/rules`; a test compares the two.
"""

DOCUMENTS = "https://github.com/braze-cdi-exporter/braze-cdi-exporter/blob/main/docs/"
RUNBOOK = f"{DOCUMENTS}runbook.md"

ALERTS = {
    "BrazeCDISyncFailed": "Syncs fail",
    "BrazeCDISyncFailingRepeatedly": "Syncs fail repeatedly",
    "BrazeCDISyncConfigError": "Misconfigured",
    "BrazeCDISyncPartial": "Rows fail",
    "BrazeCDISyncStatusUnknown": "Unknown status",
    "BrazeCDISyncOverdue": "Sync overdue",
    "BrazeCDISyncRunningLong": "Sync runs long",
    "BrazeCDISyncStuck": "Sync stuck",
    "BrazeCDIWatermarkInFuture": "Watermark in the future",
    "BrazeCDIWatermarkBehind": "Data gets old",
    "BrazeCDIRowsSyncedAgain": "Same rows again and again",
    "BrazeCDISuccessTooOld": "No success for too long",
    "BrazeCDIHistoryGap": "Counters may be short",
    "BrazeCDIIntegrationPollsFailing": "Cannot be polled",
    "BrazeCDIThresholdUnknown": "Label not understood",
    "BrazeCDIExporterDown": "No exporter answers",
    "BrazeCDIExporterReplicaDown": "An exporter is down",
    "BrazeCDIWorkspaceUnwatched": "Workspace not watched",
    "BrazeCDIPollsStopped": "Polls have stopped",
    "BrazeCDIWorkspacePollsFailing": "Most polls fail",
    "BrazeCDIPollsUnreliable": "Many polls fail",
    "BrazeCDIKeyRejected": "Key rejected",
    "BrazeCDIPermissionMissing": "Permission missing",
    "BrazeCDIListForbidden": "Listing forbidden",
    "BrazeCDIRateLimited": "Throttled by Braze",
    "BrazeCDIBudgetLow": "Budget nearly used up",
    "BrazeCDIPollIntervalStretched": "Polled less often than wanted",
    "BrazeCDIDiscoveryStale": "Discovery out of date",
    "BrazeCDIPayloadAnomalies": "Odd values from Braze",
    "BrazeCDIConfigReloadFailed": "Configuration refused",
    "BrazeCDIStateNotPersistent": "State in memory only",
    "BrazeCDIStateWriteFailing": "State not written",
}


def runbook_of(alert: str) -> str:
    return f"{RUNBOOK}#{alert.lower()}"
