"""
Asking Braze about the configuration: which integrations a key can see, and whether what is configured will work.

Decides what is asked for that: the list of each workspace, and, where the list may not be read, each configured
integration. All within the rate budget, workspace by workspace, and nothing is kept.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from exporter.app.exporter import USER_AGENT, build_limiters
from exporter.braze.api import Api
from exporter.braze.client import HttpxSender, build_tls_context
from exporter.clock import SystemClock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import ForbiddenError, NotFoundError, PollError
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration
from exporter.metrics.self_metrics import SelfMetrics


@dataclass(frozen=True, slots=True)
class Visible:
    """What the key of a workspace can see; *trouble* when it could not be asked."""

    workspace: str
    integrations: tuple[ListedIntegration, ...] = ()
    trouble: PollError | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was asked of Braze, and whether the answer is good enough to run on."""

    workspace: str
    good: bool
    text: str

    def __str__(self) -> str:
        return f"{self.workspace}: {'' if self.good else 'ERROR: '}{self.text}"


async def list_visible(config: Config) -> list[Visible]:
    """Return what each workspace's key can see."""
    visible = []
    for configured in config.workspaces:
        async with open_api(configured) as api:
            visible.append(await _list(configured, api))
    return visible


async def check_online(config: Config) -> list[Finding]:
    """Ask Braze whether the keys are accepted, what they permit, and whether it knows each configured integration."""
    findings = []
    for configured in config.workspaces:
        async with open_api(configured) as api:
            findings += await _check(configured, api)
    return findings


@contextlib.asynccontextmanager
async def open_api(configured: ConfiguredWorkspace) -> AsyncIterator[Api]:
    """Return an API to one workspace that lasts as long as the context."""
    settings = configured.settings
    clock = SystemClock()
    sender = HttpxSender(
        settings.rest_endpoint, configured.key, settings.poll.timeout_seconds, USER_AGENT, build_tls_context()
    )
    limiters = build_limiters(settings.rate_limit, clock)
    try:
        yield Api(workspace=settings.name, sender=sender, limiters=limiters, clock=clock, observer=SelfMetrics())
    finally:
        await sender.aclose()


async def _list(configured: ConfiguredWorkspace, api: Api) -> Visible:
    try:
        return Visible(configured.settings.name, await api.all_integrations())
    except PollError as error:
        return Visible(configured.settings.name, trouble=error)


async def _check(configured: ConfiguredWorkspace, api: Api) -> list[Finding]:
    settings = configured.settings
    visible = await _list(configured, api)
    known = {one.integration_id for one in visible.integrations}
    findings = [_judge_list(visible, needed=settings.discovery.enabled)]
    if visible.trouble is not None and not isinstance(visible.trouble, ForbiddenError):
        return findings
    asked = settings.integrations
    if visible.trouble is None:
        # The list tells which ids are known; one of those shows whether the other permission is there.
        findings += [_unknown(one) for one in settings.integrations if one.integration_id not in known]
        asked = tuple(one for one in settings.integrations if one.integration_id in known)[:1] or tuple(
            Integration(settings.name, one.integration_id, one.integration_name) for one in visible.integrations[:1]
        )
    denied = 0
    for one in asked:
        finding, permitted = await _ask(one, api)
        findings += [finding] if not finding.good else []
        denied += not permitted
        if not permitted:
            break
    if asked and not denied:
        findings.append(Finding(settings.name, True, "the key has the permission cdi.integration_job_status"))
    if not any(not finding.good for finding in findings) and settings.integrations:
        findings.append(Finding(settings.name, True, f"Braze knows all {len(settings.integrations)} integrations"))
    return findings


def _judge_list(visible: Visible, *, needed: bool) -> Finding:
    error = visible.trouble
    if error is None:
        text = f"the key is accepted and has the permission cdi.integration_list; {len(visible.integrations)} visible"
        return Finding(visible.workspace, True, text)
    if isinstance(error, ForbiddenError):
        text = "the key lacks the permission cdi.integration_list"
        if needed:
            return Finding(visible.workspace, False, f"{text}, which discovery needs; grant it in the Braze dashboard")
        return Finding(visible.workspace, True, f"{text}: each integration will be polled by itself")
    return Finding(visible.workspace, False, str(error))


def _unknown(one: Integration) -> Finding:
    text = f"Braze does not know the integration {one.integration_id} ({one.integration_name}); check its id"
    return Finding(one.workspace, False, text)


async def _ask(one: Integration, api: Api) -> tuple[Finding, bool]:
    """Ask an integration's own endpoint; return the finding, and whether the key may."""
    try:
        await api.syncs(one.integration_id).read()
    except NotFoundError:
        return _unknown(one), True
    except ForbiddenError:
        text = "the key lacks the permission cdi.integration_job_status; grant it in the Braze dashboard"
        return Finding(one.workspace, False, text), False
    except PollError as error:
        return Finding(one.workspace, False, f"integration {one.integration_id}: {error}"), True
    return Finding(one.workspace, True, f"integration {one.integration_id} answers"), True
