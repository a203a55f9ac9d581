"""
The commands that poll or ask Braze once: `once`, `integrations`, `check --online` and `init`.

`once` polls every integration and renders the page. The others ask for the list of each workspace and, where the list
may not be read, for each configured integration: within the rate limit, workspace by workspace, and nothing is kept.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from exporter.app.descriptors import raise_descriptor_limit
from exporter.app.exporter import Exporter
from exporter.app.histories import state_of_the_daemon
from exporter.app.senders import Trust, build_limiters, build_sender
from exporter.app.storage import copied, storage
from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.wire import Sender
from exporter.clock import SystemClock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import ForbiddenError, NotFoundError, PollError
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.wording import clip, word_count
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.lock import StorageInUseError
from exporter.state.store import MemoryStore, Storage
from exporter.trust import build_client_context

_OR_ADDRESS = "or its IP allow list lacks this host; change the key in the Braze dashboard"
_IN_USE = "a running exporter has it; it was only read"
_LONGEST_NAME = 80
_MOST = 20
"""Integrations named in one line."""


async def poll_once(config: Config, storage_path: str, log: FilteringBoundLogger) -> tuple[bool, bytes]:
    """
    Poll every integration once; return whether all polls succeeded, and the metrics page as text.

    Where a daemon has the storage path, its state is read and left as it is.
    """
    clock = SystemClock()
    self_metrics = SelfMetrics()
    self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())
    with storage(storage_path, self_metrics, clock, log) as kept:
        store: Storage = kept
        try:
            store.start()
        except StorageInUseError:
            self_metrics.state_persistent(False)
            log.warning("the state is in memory only, and will be lost at a restart", reason=_IN_USE)
            with state_of_the_daemon(
                storage_path, lambda text: log.warning("the state cannot be read from it either", reason=text)
            ) as state:
                store = MemoryStore() if state is None else copied(state)
        exporter = Exporter(
            store=store, self_metrics=self_metrics, clock=clock, log=log, descriptors=raise_descriptor_limit()
        )
        exporter.apply(_without_history(config))
        try:
            await asyncio.gather(*(poller.readiness.all.wait() for poller in exporter.pollers))
        finally:
            await exporter.close()
        store.forget_older(clock.now(), exporter.in_use)
        for _ in store.shrink():
            pass
        succeeded = all(poller.succeeded() for poller in exporter.pollers)
        return succeeded, b"".join(exporter.page.render(clock.now(), exporter.braze_times(), openmetrics=False).chunks)


def _without_history(config: Config) -> Config:
    """A history takes hours to read."""
    return Config(tuple(replace(one, settings=replace(one.settings, history_seconds=0.0)) for one in config.workspaces))


@dataclass(frozen=True, slots=True)
class Visible:
    """The integrations that the key of a workspace can see; *error* when Braze did not list them."""

    workspace: str
    integrations: tuple[ListedIntegration, ...] = ()
    error: PollError | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One result of `check --online`, and whether the configuration will work with it."""

    workspace: str
    good: bool
    text: str
    conclusive: bool = True
    """Whether it says anything of the configuration; a network that fails does not."""


async def list_visible(config: Config) -> list[Visible]:
    """Return the integrations that each workspace's key can see."""
    visible = []
    for configured in config.workspaces:
        async with open_api(configured) as api:
            visible.append(await _list(configured, api))
    return visible


async def check_online(config: Config) -> list[CheckResult]:
    """Ask Braze whether the keys are accepted, what they permit, and whether it knows each configured integration."""
    return [result for configured in config.workspaces for result in (await look_at(configured))[1]]


async def look_at(configured: ConfiguredWorkspace) -> tuple[Visible, list[CheckResult]]:
    """Return what a workspace's key can see, and whether the workspace will work as it is configured."""
    async with open_api(configured) as api:
        visible = await _list(configured, api)
        return visible, await _check(configured.settings, visible, api)


@contextlib.asynccontextmanager
async def open_api(
    configured: ConfiguredWorkspace, around: Callable[[Sender], Sender] = lambda sender: sender
) -> AsyncIterator[Api]:
    """Return an API to one workspace, closed at the end of the context; *around* may put a sender before its own."""
    settings = configured.settings
    clock = BrazeClock(SystemClock())
    sender = build_sender(configured, Trust(build_client_context()))
    limiters = build_limiters(settings.rate_limit, clock)
    try:
        yield Api(
            workspace=settings.name, sender=around(sender), limiters=limiters, clock=clock, observer=SelfMetrics()
        )
    finally:
        await sender.aclose()


async def _list(configured: ConfiguredWorkspace, api: Api) -> Visible:
    try:
        return Visible(configured.settings.name, await api.all_integrations())
    except PollError as error:
        return Visible(configured.settings.name, error=error)


async def _check(settings: WorkspaceSettings, visible: Visible, api: Api) -> list[CheckResult]:
    known = {one.integration_id for one in visible.integrations}
    results = [_judge_list(visible, needed=settings.discovery.enabled)]
    if visible.error is not None and not isinstance(visible.error, ForbiddenError):
        return results
    asked = settings.integrations
    if visible.error is None:
        # The list shows which ids are known; asking for one of those shows whether the other permission is granted.
        results += [
            _unknown(one, visible.integrations) for one in settings.integrations if one.integration_id not in known
        ]
        results += _coverage(settings, visible.integrations)
        asked = tuple(one for one in settings.integrations if one.integration_id in known)[:1] or tuple(
            Integration(settings.name, one.integration_id, one.integration_name) for one in visible.integrations[:1]
        )
    denied = 0
    for one in asked:
        result, permitted = await _ask(one, api)
        results += [result] if not result.good else []
        denied += not permitted
        if not permitted:
            break
    if asked and not denied:
        results.append(CheckResult(settings.name, True, "the key has the permission cdi.integration_job_status"))
    if not any(not result.good for result in results) and settings.integrations:
        count = len(settings.integrations)
        every = "the integration" if count == 1 else f"all {count:,} integrations"
        results.append(CheckResult(settings.name, True, f"Braze knows {every} in the file"))
    return results


def _judge_list(visible: Visible, *, needed: bool) -> CheckResult:
    error = visible.error
    if error is None:
        sees = word_count(len(visible.integrations), "integration")
        text = f"the key is accepted and has the permission cdi.integration_list; it sees {sees}"
        return CheckResult(visible.workspace, True, text)
    if isinstance(error, ForbiddenError):
        text = "the key lacks the permission cdi.integration_list"
        if needed:
            return CheckResult(visible.workspace, False, f"{text}, which discovery needs, {_OR_ADDRESS}")
        return CheckResult(visible.workspace, True, f"{text}: each integration will be polled individually")
    return CheckResult(visible.workspace, False, str(error), not error.retryable)


def _unknown(one: Integration, visible: Sequence[ListedIntegration] = ()) -> CheckResult:
    heirs = [each.integration_id for each in visible if each.integration_name == one.integration_name]
    remedy = f"another of this name has the id {heirs[0]}" if heirs else "check its id"
    name = clip(one.integration_name, _LONGEST_NAME)
    text = f"Braze does not know the integration {one.integration_id} ({name}); {remedy}"
    return CheckResult(one.workspace, False, text)


def _coverage(settings: WorkspaceSettings, visible: Sequence[ListedIntegration]) -> list[CheckResult]:
    """Name what the key sees and nobody watches, drafts apart."""
    configured = {one.integration_id for one in settings.integrations}
    found: dict[str, list[str]] = {"nobody watches": [], "nobody watches, drafts": []}
    for one in visible:
        name = one.integration_name or one.integration_id
        takes = settings.discovery.enabled and settings.discovery.names.takes(name)
        if one.integration_id not in configured and not takes:
            kind = "nobody watches, drafts" if one.is_draft else "nobody watches"
            found[kind].append(f"{one.integration_id} ({clip(name, _LONGEST_NAME)})")
    return [
        CheckResult(settings.name, True, f"{kind}: {', '.join(each[:_MOST])}{', …' if len(each) > _MOST else ''}")
        for kind, each in found.items()
        if each
    ]


async def _ask(one: Integration, api: Api) -> tuple[CheckResult, bool]:
    """Ask an integration's own endpoint; return the result, and whether the key may."""
    try:
        await api.syncs(one.integration_id).read()
    except NotFoundError:
        return _unknown(one), True
    except ForbiddenError:
        text = f"the key lacks the permission cdi.integration_job_status, {_OR_ADDRESS}"
        return CheckResult(one.workspace, False, text), False
    except PollError as error:
        text = f"integration {one.integration_id}: {error}"
        return CheckResult(one.workspace, False, text, not error.retryable), True
    return CheckResult(one.workspace, True, f"integration {one.integration_id} answers"), True
