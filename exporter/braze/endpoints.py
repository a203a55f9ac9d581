"""
The table of Braze's CDI endpoints that we ask: a new one is one entry.

What exists once for each endpoint follows this table: requests, permissions in messages, rate limiters, the keys below
`rate_limit` in the configuration, the plan that `check` prints, the labels of our own metrics.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from exporter.domain.decode import DecodedSyncs, decode_job_sync_status
from exporter.domain.listing import DecodedListing, decode_integrations


class Endpoint(StrEnum):
    """The label `endpoint`, and the key below `rate_limit` in the configuration."""

    JOB_SYNC_STATUS = "job_sync_status"
    INTEGRATIONS = "integrations"

    @property
    def details(self) -> "Details":
        return ENDPOINTS[self]


Decoded = DecodedSyncs | DecodedListing


@dataclass(frozen=True, slots=True)
class Details:
    """What there is to know of an endpoint."""

    path: str
    permission: str
    """That the key needs; each is granted separately."""
    decode: Callable[[Any, datetime], Decoded]
    """JSON value, now -> page."""


ENDPOINTS: Mapping[Endpoint, Details] = {
    # https://www.braze.com/docs/api/endpoints/cdi/get_job_sync_status/ (latest first is seen, not documented)
    Endpoint.JOB_SYNC_STATUS: Details(
        "/cdi/integrations/{integration_id}/job_sync_status", "cdi.integration_job_status", decode_job_sync_status
    ),
    # https://www.braze.com/docs/api/endpoints/cdi/get_integration_list/
    Endpoint.INTEGRATIONS: Details(
        "/cdi/integrations", "cdi.integration_list", lambda body, _now: decode_integrations(body)
    ),
}
