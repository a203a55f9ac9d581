"""One run through the past of every integration, for `backfill`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from exporter.app.online import open_api
from exporter.app.output import check_replaceable, replace_file
from exporter.braze.api import Api
from exporter.clock import SystemClock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import PollError
from exporter.domain.model import Integration
from exporter.history import Backfill, read_history


async def backfill(config: Config, output: Path, since_seconds: float, say: Callable[[str], None]) -> bool:
    """
    Write the past syncs of all integrations to *output*; return whether none was missing.

    Args:
        config: Whose integrations; with discovery, also those that the key can see.
        output: Replaced at the end, in one step.
        since_seconds: How far back, from now.
        say: Is told how far it has come, and what could not be had.

    Raises:
        OutputError: The file cannot be written; where that can be known, before Braze is asked.
        OSError: There is no room for the temporary files of `Backfill`.

    """
    check_replaceable(output)
    now = SystemClock().now()
    since = now - timedelta(seconds=since_seconds)
    complete = True
    with Backfill() as page:
        for configured in config.workspaces:
            async with open_api(configured) as api:
                complete &= await _workspace(configured, api, page, (since, now), say)
        with replace_file(output) as stream:
            page.write(stream)
        say(f"{output}: {page.syncs:,} syncs since {since:%Y-%m-%d %H:%M} UTC")
    return complete


async def _workspace(
    configured: ConfiguredWorkspace,
    api: Api,
    page: Backfill,
    period: tuple[datetime, datetime],
    say: Callable[[str], None],
) -> bool:
    since, now = period
    integrations, complete = await _integrations(configured, api, say)
    for number, integration in enumerate(integrations, 1):
        place = f"{integration.workspace}: {number} of {len(integrations)}: {integration.integration_name}"
        try:
            syncs = await read_history(api, integration.integration_id, since, now)
        except PollError as error:
            say(f"{place}: left out: {error}")
            complete = False
        else:
            page.add(integration, syncs, since)
            say(f"{place}: {len(syncs):,} syncs")
    return complete


async def _integrations(
    configured: ConfiguredWorkspace, api: Api, say: Callable[[str], None]
) -> tuple[tuple[Integration, ...], bool]:
    """Return the integrations under the labels that the daemon gives them, and whether the list could be read."""
    settings = configured.settings
    known = {one.integration_id: one for one in settings.integrations}
    try:
        listed = await api.all_integrations()
    except PollError as error:
        if settings.discovery.enabled:
            say(f"{settings.name}: only what the configuration lists: {error}")
        return settings.integrations, not settings.discovery.enabled
    for one in listed:
        name = one.integration_name or one.integration_id
        configured_one = known.get(one.integration_id)
        if configured_one is None:
            if settings.discovery.enabled and settings.discovery.names.takes(name):
                known[one.integration_id] = Integration(settings.name, one.integration_id, name)
        elif configured_one.integration_name == one.integration_id:
            known[one.integration_id] = Integration(settings.name, one.integration_id, name)
    return tuple(known.values()), True
