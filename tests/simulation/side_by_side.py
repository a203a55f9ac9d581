"""Simulated weeks in several processes. A module of its own: a spawned process cannot import what is in `__main__`."""

from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from tests.simulation.drive import Outcome, SimulationError, simulate
from tests.simulation.storage import state_file


def run_side_by_side(seeds: Sequence[int], processes: int) -> Iterator[tuple[int, Outcome | str]]:
    """Yield seeds and their results as they come. By pipes alone: a pool's semaphores need a writable /dev/shm."""
    context = get_context("spawn")
    readers = []
    for place in range(processes):
        reader, writer = context.Pipe(duplex=False)
        context.Process(target=_run_all, args=(seeds[place::processes], writer), daemon=True).start()
        writer.close()  # the child's is the last, so that its end is seen
        readers.append(reader)
    while readers:
        ready = wait(readers)
        for reader in [each for each in readers if each in ready]:
            try:
                yield reader.recv()
            except EOFError:
                readers.remove(reader)


def _run(seed: int) -> Outcome | str:
    """Return what a seed came to, or what went wrong."""
    with state_file() as open_disk:
        try:
            return simulate(seed, open_disk)
        except SimulationError as error:
            return str(error)


def _run_all(seeds: Sequence[int], results: Connection) -> None:
    for seed in seeds:
        results.send((seed, _run(seed)))
    results.close()
