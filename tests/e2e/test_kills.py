"""
Nothing is lost and nothing is counted twice, and no scrape ever sees a counter go back, however often the process dies.

The process is killed at random moments of its life, its start included, while syncs finish every second and a scraper
watches. In the end, and only then, the world stands still, and every sample must be what really happened.
"""

from pathlib import Path
from random import Random
from time import sleep

from tests.e2e.command import Daemon, wait_for
from tests.e2e.lives import Scraper, build_world, scraping, watched_in
from tests.e2e.scraping import ask, peek
from tests.e2e.verdict import Verdict
from tests.e2e.worlds import HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze

SEED = 20260101
KILLS = 50
EARLY_SHARE = 5
"""One kill in so many comes earlier."""
LATEST_SECONDS = 0.6
"""After it answers a scrape."""
STARTING_SECONDS = 0.8
"""So long, at most, does the life of one last that is killed early."""


def unexpected(log: str) -> list[str]:
    """Return what the processes complain about, but for failing syncs and the permission that one key has not."""
    of_syncs = ('msg="problem began"', 'msg="problem changed"')
    complaints = [line for line in log.splitlines() if not any(each in line for each in ("level=info", *of_syncs))]
    return [line for line in complaints if "the key lacks the permission cdi.integration_list" not in line]


def live_and_die(daemon: Daemon, scraper: Scraper, random: Random) -> None:
    """Start the process, let it live for a while, and kill it."""
    daemon.start()
    if random.randrange(EARLY_SHARE) == 0:
        sleep(random.uniform(0, STARTING_SECONDS))
    else:
        scraper.port = daemon.port
        ask(daemon.port, "/metrics")
        sleep(random.uniform(0, LATEST_SECONDS))
    daemon.kill()
    scraper.port = None


def test_counters_survive_any_kill(tmp_path: Path) -> None:
    clock = HeldClock()
    clock.hold()
    world = build_world(SEED, clock.now())
    watched = watched_in(world)
    random = Random(SEED)
    with SimulatedBraze(world, clock=clock) as braze:
        entries = [workspace_entry(world, name, braze.url) for name in world.workspaces]
        write_config(tmp_path, entries, interval="500ms")
        verdict = Verdict(braze, watched, learns=True)
        with Daemon(tmp_path) as daemon:
            wait_for("all are up", lambda: peek(daemon.port, "braze_cdi_up") == [1] * len(watched))
            verdict.note_first_sight()
            verdict.settle(daemon.port)
            clock.release()
            with scraping(daemon) as scraper:
                daemon.kill()
                for _ in range(KILLS):
                    live_and_die(daemon, scraper, random)
                clock.hold()
                daemon.start()
                scraper.port = daemon.port
                verdict.settle(daemon.port)
            assert scraper.wrong == []
            assert scraper.scrapes > KILLS
            assert len(scraper.moved) > KILLS / 5, "too few of the lives have brought anything new"
            assert peek(daemon.port, "braze_cdi_exporter_state_persistent") == [1]
            assert unexpected(daemon.stderr) == []
