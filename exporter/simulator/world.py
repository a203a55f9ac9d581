"""
The simulated world: workspaces, their integrations, its time, and what goes wrong.

A world is driven by the moments it is asked about, which never go back; it reads no clock. The same seed and the same
sequence of switches give the same world, however often it is advanced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from exporter.braze.endpoints import Endpoint
from exporter.domain.model import Sync
from exporter.simulator.behaviour import BEHAVIOURS, INTEGRATION_PROBLEMS, Scale
from exporter.simulator.integration import Forced, Profile, SimulatedIntegration
from exporter.simulator.responses import PageCache
from exporter.simulator.schedule import Schedule, derive_seed, every
from exporter.simulator.style import Style
from exporter.simulator.workspace import PERMISSIONS, WORKSPACE_PROBLEMS, SimulatedWorkspace, build_workspace

DEFAULT_SCHEDULE = every(minutes=15)


class World:
    """
    A simulated Braze, without its HTTP.

    Args:
        seed: Of everything random.
        start: The world's first moment, aware. Integrations may have a past before it.
        style: The choices that Braze's documents leave open.

    """

    def __init__(self, seed: int, start: datetime, *, style: Style | None = None) -> None:
        self.seed = seed
        self.start = start
        self.now = start
        self.style = style or Style()
        self.workspaces: dict[str, SimulatedWorkspace] = {}
        self.integrations: dict[str, SimulatedIntegration] = {}
        self.broken: set[str] = set()
        """Integrations about whose syncs Braze only says that it has failed."""
        self.pages = PageCache(self.style)
        self._keys: dict[str, SimulatedWorkspace] = {}

    def add_workspace(
        self,
        name: str,
        *,
        key: str | None = None,
        permissions: Iterable[str] = tuple(PERMISSIONS.values()),
        limits: Mapping[Endpoint, int] | None = None,
    ) -> SimulatedWorkspace:
        """
        Add a workspace with one key, `key-of-NAME` unless given; more keys may be added to its `keys`.

        Raises:
            ValueError: The name or the key is taken, or a permission unknown.

        """
        key = f"key-of-{name}" if key is None else key
        if name in self.workspaces or self.workspace_of(key) is not None:
            raise ValueError(f"the workspace {name} or its key exists already")
        app_group_id = f"{derive_seed(self.seed, 'app group', name):016x}"
        workspace = build_workspace(
            name, key=key, permissions=permissions, limits=limits or {}, app_group_id=app_group_id
        )
        self.workspaces[name] = workspace
        return workspace

    def add_integration(
        self,
        workspace: str,
        name: str,
        *,
        integration_id: str | None = None,
        behaviour: str = "healthy",
        schedule: Schedule = DEFAULT_SCHEDULE,
        scale: Scale | None = None,
        profile: Profile | None = None,
        history: timedelta = timedelta(0),
    ) -> str:
        """
        Add an integration and return its id, a UUID that follows from the seed unless given.

        Its schedule begins *history* before the world's present; its behaviour's problems begin some runs before it.

        Raises:
            ValueError: The id is taken.
            KeyError: There is no such workspace or behaviour.

        """
        home = self.workspaces[workspace]
        nature = BEHAVIOURS[behaviour]
        if integration_id is None:
            halves = [derive_seed(self.seed, workspace, name, half) for half in ("high", "low")]
            integration_id = str(UUID(int=halves[0] << 64 | halves[1], version=4))
        if integration_id in self.integrations:
            raise ValueError(f"the integration {integration_id} exists already")
        integration = SimulatedIntegration(
            workspace=workspace,
            integration_id=integration_id,
            name=name,
            schedule=schedule,
            behaviour=nature,
            scale=scale or Scale(),
            profile=replace(profile or Profile(), app_group_id=home.app_group_id),
            style=self.style,
            born_at=self.now - history,
            seed=self.seed,
        )
        for problem in sorted(nature.problems):
            integration.switch(problem, self.now - nature.problem_runs * schedule.interval)
        self.integrations[integration_id] = integration
        home.integrations.append(integration_id)
        home.list_version += 1
        return integration_id

    def remove_integration(self, integration_id: str) -> None:
        """Delete an integration: Braze answers as if it had never been."""
        home = self.workspaces[self.integrations.pop(integration_id).workspace]
        home.integrations.remove(integration_id)
        home.list_version += 1

    def workspace_of(self, key: str) -> SimulatedWorkspace | None:
        """Return the workspace that a key opens now."""
        home = self._keys.get(key)
        if home is not None and key in home.valid_keys:
            return home
        home = next((each for each in self.workspaces.values() if key in each.valid_keys), None)
        if home is not None:
            self._keys[key] = home
        return home

    def advance(self, now: datetime) -> None:
        """Let the world's time be *now*; an earlier moment is taken as no time having passed."""
        self.now = max(self.now, now)

    def switch(self, problem: str, target: str) -> None:
        """
        Begin a problem at the world's present.

        Args:
            problem: A name of INTEGRATION_PROBLEMS or WORKSPACE_PROBLEMS.
            target: The id of an integration, or the name of a workspace.

        Raises:
            KeyError: There is no such problem for such a target.

        """
        if problem in WORKSPACE_PROBLEMS:
            self.workspaces[target].problems.add(problem)
        elif problem in INTEGRATION_PROBLEMS:
            self.integrations[target].switch(problem, self.now)
        else:
            raise KeyError(f"no problem is called {problem}")

    def start_sync(
        self,
        integration_id: str,
        *,
        duration: timedelta | None = None,
        word: str | None = None,
        rows_synced: int | None = None,
        rows_failed_with_errors: int | None = None,
        watermark: datetime | None = None,
    ) -> Sync:
        """
        Start a sync on demand, now. Values not given are left to the integration's behaviour; *word* is Braze's status.

        Raises:
            ValueError: The integration is running a sync already, or began one within the same second (or the finer
                step of the world's style).

        """
        forced = Forced(word, rows_synced, rows_failed_with_errors, watermark)
        return self.integrations[integration_id].start_sync(self.now, duration=duration, forced=forced)
