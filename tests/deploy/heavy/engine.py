"""
A Docker engine of the tests' own: other data, other socket, no bridge and no firewall rules of the machine's touched.

Decides how it is started and that nothing is left of it: containers, mounts, network links, data, processes.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.deploy.heavy.programs import DOCKER, Argument, run, wait_until


class Engine:
    def __init__(self, address: str) -> None:
        self.environ = {"DOCKER_HOST": address, "DOCKER_BUILDKIT": "1"}

    def docker(self, *arguments: Argument, limit: float = 60, code: int | None = 0) -> str:
        return run(DOCKER, *arguments, limit=limit, environ=self.environ, code=code).stdout

    def inspect(self, name: str) -> dict[str, Any]:
        """Everything the engine knows about a container or an image."""
        (found,) = json.loads(self.docker("inspect", name))
        assert isinstance(found, dict)
        return found

    def import_base(self, system: Path, name: str, platform: str = "") -> None:
        """Make an image called *name*, for this machine or *platform*, of the base system in the folder *system*."""
        left_out = ["./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/archives/*.deb"]
        tar = ["nice", "-n", "10", "tar", *(f"--exclude={each}" for each in left_out), "-C", str(system), "-c", "."]
        foreign = ("--platform", platform) if platform else ()
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packing:
            done = subprocess.run(
                [DOCKER, "import", *foreign, "-", name],
                stdin=packing.stdout,
                env={**os.environ, **self.environ},
                capture_output=True,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, done.stderr

    def answers(self) -> bool:
        return run(DOCKER, "version", environ=self.environ, code=None).returncode == 0


@contextmanager
def engine() -> Iterator[Engine]:
    # Short, because addresses of sockets are; and on the disk, because layers are large.
    folder = Path(tempfile.mkdtemp(prefix="cdi-", dir="/var/tmp"))
    command = [
        *("nice", "-n", "10", "dockerd", f"--data-root={folder}/data", f"--exec-root={folder}/exec"),
        *(f"--pidfile={folder}/pid", f"--host=unix://{folder}/s", "--bridge=none"),
        *(
            "--iptables=false",
            "--ip-forward=false",
            "--containerd-namespace=cdi",
            "--containerd-plugins-namespace=cdi-p",
        ),
    ]
    try:
        with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as daemon:
            try:
                own = Engine(f"unix://{folder}/s")
                wait_until(own.answers, limit=60, what=f"dockerd answers; it says\n{(folder / 'log').read_text()}")
                yield own
                _remove_containers(own)
            finally:
                daemon.terminate()
                daemon.wait(timeout=60)
    finally:
        _unmount_below(folder)
        shutil.rmtree(folder)


def _remove_containers(own: Engine) -> None:
    left = own.docker("ps", "--all", "--quiet").split()
    if left:
        own.docker("rm", "--force", "--volumes", *left)


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if Path(each).is_relative_to(folder)), reverse=True):
        with suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", "--lazy", mount], check=True)
