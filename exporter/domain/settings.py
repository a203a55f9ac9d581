"""
The operator's settings for polling, as plain values: the configuration loader builds them, the pollers read them.

They live in the domain so that pollers do not know where a setting came from, nor the loader how it is used.
"""

from dataclasses import dataclass, field

from exporter.domain.discovery import NameFilter
from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How often and how patiently to ask Braze. All times in seconds."""

    interval_seconds: float = 60.0
    timeout_seconds: float = 20.0
    stale_after_seconds: float = 600.0
    max_pages: int = 20
    verify_after_seconds: float = 3600.0
    """How long the list is trusted before an integration's own endpoint is asked anyway."""


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Whether integrations found only in Braze's list are polled too, and which of them."""

    enabled: bool = False
    names: NameFilter = field(default_factory=NameFilter)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The workspace's limits in requests a minute, as agreed with Braze, and our share of them."""

    job_sync_status: int = 100
    integrations: int = 50
    share: float = 0.8


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """One Braze workspace. The key is not here: it stays with the object that reads it."""

    name: str
    rest_endpoint: str
    poll: PollSettings = field(default_factory=PollSettings)
    rate_limit: RateLimits = field(default_factory=RateLimits)
    integrations: tuple[Integration, ...] = ()
    discovery: DiscoverySettings = field(default_factory=DiscoverySettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    """Of the integrations that only discovery finds; the others have their own."""
    history_seconds: float = 0.0
    """How far back syncs are read to learn what is normal; 0 reads nothing."""
    dashboard_url: str = ""
    """Where the operator has named the dashboard; it belongs to the endpoint else."""
    grafana_url: str = ""
    """The base of Grafana's addresses, for links; empty where it is not known."""
