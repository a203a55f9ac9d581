"""
A simulated workspace: its keys and rate limits.

Rate limits are fixed windows of one minute that begin on the full UTC minute, per workspace and endpoint: the one
reading under which `x-ratelimit-reset` is a moment at which everything is allowed again. Other programs may use up a
part of every window. Knows nothing of pages and integrations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.braze.endpoints import Endpoint

SYNC = "sync"
"""The endpoint that starts a sync. The exporter never asks it; others do."""

PERMISSIONS = {
    Endpoint.JOB_SYNC_STATUS: "cdi.integration_job_status",
    Endpoint.INTEGRATIONS: "cdi.integration_list",
}
"""The permission that each endpoint asks for that the exporter knows. They are granted separately."""

SYNC_PERMISSION = "cdi.integration_sync"

LIMITS = {Endpoint.JOB_SYNC_STATUS: 100, Endpoint.INTEGRATIONS: 50}
"""Requests a minute that Braze documents."""

_SYNC_LIMIT = 20

WORKSPACE_PROBLEMS = {
    "key_rotated": "every key is replaced: the old ones are unknown, the new ones end in -rotated",
    **{f"{endpoint}_permission_lost": f"the keys lose {permission}" for endpoint, permission in PERMISSIONS.items()},
    "rate_limit_shared": "other programs use nine tenths of every rate limit",
    "rate_limit_exhausted": "other programs use up every rate limit",
}
"""A workspace's possible problems, by name. Source: the list of what goes wrong with CDI itself."""

WINDOW_SECONDS = 60


@dataclass(slots=True)
class Allowance:
    """The rate limit's answer to one request."""

    allowed: bool
    limit: int
    remaining: int
    reset_at_seconds: int

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer of a known key carries."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset_at_seconds),
        }


@dataclass(slots=True, eq=False)
class SimulatedWorkspace:
    """
    One workspace.

    Args:
        name: As the world calls it.
        keys: Each key's permissions.
        limits: Requests a minute, per endpoint.

    """

    name: str
    keys: dict[str, frozenset[str]]
    limits: dict[Endpoint, int]
    integrations: list[str] = field(default_factory=list)
    """Ids, in the order of the list endpoint."""
    problems: set[str] = field(default_factory=set)
    app_group_id: str = ""
    list_version: int = 0
    """Grows when an integration comes, goes or is renamed."""
    _used: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Per endpoint the window's end, and our requests in it."""

    @property
    def valid_keys(self) -> dict[str, frozenset[str]]:
        """The keys that Braze accepts now, with their permissions."""
        if "key_rotated" in self.problems:
            return {f"{key}-rotated": permissions for key, permissions in self.keys.items()}
        return self.keys

    def permits(self, key: str, endpoint: str) -> bool:
        """Whether a valid key may ask an endpoint now."""
        if endpoint == SYNC:
            return SYNC_PERMISSION in self.valid_keys[key]
        endpoint = Endpoint(endpoint)
        return PERMISSIONS[endpoint] in self.valid_keys[key] and f"{endpoint}_permission_lost" not in self.problems

    def take(self, endpoint: str, now_seconds: float) -> Allowance:
        """Count one request against the limit."""
        ends_at = (int(now_seconds) // WINDOW_SECONDS + 1) * WINDOW_SECONDS
        limit = _SYNC_LIMIT if endpoint == SYNC else self.limits[Endpoint(endpoint)]
        window_ends_at, used = self._used.get(endpoint, (0, 0))
        if window_ends_at != ends_at:
            used = 0
        left = limit - used - self._used_by_others(limit)
        allowed = left > 0
        self._used[endpoint] = (ends_at, used + allowed)
        return Allowance(allowed, limit, max(0, left - 1), ends_at)

    def _used_by_others(self, limit: int) -> int:
        if "rate_limit_exhausted" in self.problems:
            return limit
        return limit * 9 // 10 if "rate_limit_shared" in self.problems else 0


def build_workspace(
    name: str,
    *,
    key: str,
    permissions: Iterable[str],
    limits: Mapping[Endpoint, int],
    app_group_id: str,
) -> SimulatedWorkspace:
    """
    Return a workspace with one key.

    Raises:
        ValueError: There is no such permission.

    """
    granted = frozenset(permissions)
    if unknown := granted - {*PERMISSIONS.values(), SYNC_PERMISSION}:
        raise ValueError(f"Braze has no permission {', '.join(sorted(unknown))}")
    return SimulatedWorkspace(name, {key: granted}, {**LIMITS, **limits}, app_group_id=app_group_id)
