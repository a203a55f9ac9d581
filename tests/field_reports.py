"""Field reports of simulated worlds in virtual time, without sockets: read as the command reads them."""

from datetime import UTC, datetime, timedelta
from random import Random

from exporter.app.field_report import MOST_REQUESTS, Reader
from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.field_evidence import FieldAnswer
from exporter.domain.rate_limit import RateLimiter
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import every, on_arrival
from exporter.simulator.style import Style
from tests.braze_fakes import Observed
from tests.virtual_braze import Latency, VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def varied_world(style: Style | None = None, *, names: tuple[str, ...] = (), ids: tuple[str, ...] = ()) -> World:
    """Return a world that shows each thing a report asks about; *names* and *ids* replace some of the usual ones."""
    world = World(7, NOON, style=style)
    world.add_workspace("production")
    characters = (
        ("users", "healthy", every(minutes=15), Profile()),
        ("purchases", "failing_twice", every(minutes=20), Profile(warehouse_type="bigquery")),
        ("consent", "running_too_long", every(hours=1), Profile()),
        ("archive", "paused", every(hours=2), Profile()),
        ("trial", "healthy", every(hours=1), Profile(draft=True)),
        ("events", "event_driven", on_arrival(timedelta(minutes=30)), Profile(warehouse_type="s3")),
    )
    for number, (name, behaviour, schedule, profile) in enumerate(characters):
        world.add_integration(
            "production",
            names[number] if number < len(names) else name,
            integration_id=ids[number] if number < len(ids) else None,
            behaviour=behaviour,
            schedule=schedule,
            profile=profile,
            history=timedelta(hours=9),
        )
    return world


def read_world(world: World, budget: int = MOST_REQUESTS) -> list[FieldAnswer]:
    """Return what the report's requests are answered, all in one moment."""
    reader = Reader("production", budget)

    async def read(clock: VirtualClock) -> None:
        key = next(iter(world.workspaces["production"].keys))
        sender = VirtualSender(world, clock, key, Random(1), latency=Latency(0.0, 0.0))
        limiters = {endpoint: RateLimiter(6000, 1.0, clock.monotonic()) for endpoint in Endpoint}
        around, braze_clock = reader.record(sender), BrazeClock(clock)
        api = Api(workspace="production", sender=around, limiters=limiters, clock=braze_clock, observer=Observed())
        await reader.read(api, [])

    run(read, start=world.now)
    return reader.answers
