"""
`/api/v1/integrations/{workspace}/{id}`: one integration in depth, for programs.

The promise of `status_json.py` holds here too.
"""

from typing import TYPE_CHECKING

from exporter.domain.detail import Band, PastRun
from exporter.domain.past import to_sync
from exporter.web.status_json import (
    SCHEMA_VERSION,
    document_integration,
    document_request,
    document_sync,
    document_text,
    dump_json,
)
from exporter.web.view import IntegrationStatus
from exporter.web.words import word_rfc3339

if TYPE_CHECKING:
    from exporter.web.documents import BandDocument, DetailDocument, PastSyncDocument


def render_integration_json(status: IntegrationStatus) -> bytes:
    """The document as UTF-8. Takes a few dozen milliseconds after years of syncs: call it in a thread."""
    detail, expectation = status.detail, status.detail.expectation
    document: DetailDocument = {
        "schema_version": SCHEMA_VERSION,
        "now": word_rfc3339(status.now),
        "workspace": status.workspace.name,
        "notes": [document_text(note) for note in status.workspace.notes],
        "integration": document_integration(status.workspace, detail.view, status.now),
        "expectation": {"by": expectation.by or None, "because": expectation.because},
        "requests": [document_request(asked) for asked in detail.requests],
        "list_requests": [document_request(asked) for asked in detail.list_requests],
        "past": [_past(one) for one in reversed(list(detail.runs(0)))],
    }
    return f"{dump_json(document)}\n".encode("ascii")


def _past(one: PastRun) -> "PastSyncDocument":
    return {**document_sync(to_sync(one.run)), "usual_rows": None if one.band is None else _band(one.band)}


def _band(band: Band) -> "BandDocument":
    return {"fewest": band.fewest, "usual": band.usual, "most": band.most}
