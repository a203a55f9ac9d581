"""What sends to Braze for one workspace, as it is configured, and within which limits."""

import ssl

from exporter.braze.client import HttpSender, Room
from exporter.braze.endpoints import Endpoint
from exporter.clock import Clock
from exporter.config.load import ConfiguredWorkspace
from exporter.domain.rate_limit import RateLimiter
from exporter.domain.settings import RateLimits
from exporter.trust import build_client_context
from exporter.version import VERSION

USER_AGENT = f"braze-cdi-exporter/{VERSION}"


class Trust:
    """The TLS contexts of one configuration: each authorities' file is loaded once. *system* is the default."""

    def __init__(self, system: ssl.SSLContext) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {None: system}

    def context(self, ca_file: str | None) -> ssl.SSLContext:
        if ca_file not in self._contexts:
            self._contexts[ca_file] = build_client_context(ca_file)
        return self._contexts[ca_file]


def build_sender(configured: ConfiguredWorkspace, trust: Trust, room: Room | None = None) -> HttpSender:
    """
    Return the sender of one workspace.

    Raises:
        OSError: Its authorities cannot be read, or are none (ssl.SSLError).

    """
    settings, network = configured.settings, configured.network
    return HttpSender(
        settings.rest_endpoint,
        configured.key,
        settings.poll.timeout_seconds,
        USER_AGENT,
        trust.context(network.ca_file),
        proxy=network.proxy_for(settings.rest_endpoint),
        room=room,
    )


def build_limiters(limits: RateLimits, clock: Clock) -> dict[Endpoint, RateLimiter]:
    """Return the rate limiters of one workspace, one for each endpoint."""
    now = clock.monotonic()
    return {endpoint: RateLimiter(getattr(limits, endpoint), limits.share, now) for endpoint in Endpoint}
