"""
`/api/v1/integrations/{workspace}/{id}`: one integration in depth, for programs.

The promise of `status_json.py` holds here too; docs/http.md lists the fields.
"""

from typing import Any

from exporter.domain.asked import Asked
from exporter.domain.detail import PastRun
from exporter.domain.past import to_sync
from exporter.web.status_json import SCHEMA_VERSION, document_integration, document_sync, dump_json
from exporter.web.view import IntegrationStatus
from exporter.web.words import word_rfc3339


def render_integration_json(status: IntegrationStatus) -> bytes:
    """The document as UTF-8. Takes a few dozen milliseconds after years of syncs: call it in a thread."""
    detail, expectation = status.detail, status.detail.expectation
    document = {
        "schema_version": SCHEMA_VERSION,
        "now": word_rfc3339(status.now),
        "workspace": status.workspace.name,
        "notes": list(status.workspace.notes),
        "integration": document_integration(status.workspace, detail.view, status.now),
        "expectation": {"by": expectation.by or None, "because": expectation.because},
        "requests": [_request(asked) for asked in detail.requests],
        "list_requests": [_request(asked) for asked in detail.list_requests],
        "past": [_past(one) for one in reversed(list(detail.runs()))],
    }
    return f"{dump_json(document)}\n".encode("ascii")


def _request(asked: Asked) -> dict[str, Any]:
    return {
        "at": word_rfc3339(asked.at),
        "endpoint": str(asked.endpoint),
        "page": asked.page,
        "outcome": asked.outcome,
        "seconds": asked.seconds,
        "rate_limit": asked.limit,
        "rate_limit_remaining": asked.remaining,
        "why": asked.why,
    }


def _past(one: PastRun) -> dict[str, Any]:
    usual = None if one.band is None else one.band._asdict()
    return {**(document_sync(to_sync(one.run)) or {}), "usual_rows": usual}
