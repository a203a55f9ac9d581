"""
A Docker engine of the tests' own: other data, other socket, no bridge and no firewall rules of the machine's touched.

Decides how it is started and that nothing is left of it: containers, mounts, network links, data, processes.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.deploy.heavy.programs import DOCKER, Argument, run, wait_until

NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


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

    def import_base(self, system: Path, name: str, architecture: str = NATIVE) -> None:
        """
        Make an image called *name* of the base system in the folder *system*.

        `docker import` makes all of them images for this machine, whatever platform is asked for.
        """
        left_out = ["./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/archives/*.deb"]
        with tempfile.TemporaryDirectory(dir="/var/tmp") as temporary:
            folder = Path(temporary)
            layer = folder / "layer.tar"
            run("tar", *(f"--exclude={each}" for each in left_out), "-C", system, "-cf", layer, ".", limit=300)
            with layer.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            layers = {"type": "layers", "diff_ids": [f"sha256:{digest}"]}
            described = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": layers}
            (folder / "config.json").write_text(json.dumps(described))
            held = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
            (folder / "manifest.json").write_text(json.dumps(held))
            image = folder / "image.tar"
            run("tar", "-C", folder, "-cf", image, "manifest.json", "config.json", "layer.tar", limit=300)
            self.docker("load", "--input", image, limit=300)

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
