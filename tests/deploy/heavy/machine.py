"""
A small Debian with systemd as its first process, in a container with a network of its own.

Decides that the base system stays as it was: everything is written to an overlay that goes away with the container.
"""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.deploy.heavy.programs import run, wait_until

NAME = "cdi-systemd-test"


class Machine:
    def __init__(self, root: Path, written: Path) -> None:
        self.root = root
        self.written = written
        """The folder of all files that differ from the base system."""
        self._first_process = ""

    def install(self, script: str, limit: float = 600) -> None:
        """Run *script* in the system before it is booted, with this machine's network."""
        # The index and the authorities are this machine's settings; its folders do not exist inside.
        environ = {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt", "PIP_FIND_LINKS": "", "HOME": "/root"}
        run("chroot", self.root, "bash", "-euc", script, limit=limit, environ=environ)

    def as_user(self, user: str, script: str, environ: Mapping[str, str]) -> list[str]:
        """
        The command that runs *script* as *user*, with *environ* and no other variable, before the system is booted.

        The network is this machine's; the processes are alone, and end with the first of them. The root is pivoted to,
        because a user inside a chroot may not make namespaces, which some tests do.
        """
        variables = {"HOME": f"/home/{user}", "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **environ}
        enter = """
            cd "$1"
            mount -t proc proc proc
            mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
            pivot_root . mnt
            cd /
            umount --lazy mnt
            user=$2
            shift 2
            exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
        """
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *("bash", "-euc", enter, "enter", str(self.root), user),
            *("env", "--ignore-environment", *(f"{name}={value}" for name, value in variables.items())),
            *("bash", "-euc", script),
        ]

    def run(self, *command: str, code: int | None = 0, limit: float = 60) -> str:
        """Run *command* in the booted system."""
        enter = ("nsenter", f"--target={self._first_process}", "--mount", "--uts", "--ipc", "--net", "--pid", "--")
        return run(*enter, *command, code=code, limit=limit).stdout

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.run("systemctl", "show", f"--property={','.join(properties)}", unit).splitlines()
        return dict(line.split("=", 1) for line in lines)

    @contextmanager
    def booted(self) -> Iterator[None]:
        command = [
            *("systemd-nspawn", f"--directory={self.root}", f"--machine={NAME}", "--boot"),
            *("--register=no", "--keep-unit", "--private-network", "--quiet"),
        ]
        log = self.root.parent / "boot.log"
        with log.open("w") as console, subprocess.Popen(command, stdout=console, stderr=console) as container:
            try:
                wait_until(lambda: self._is_up(container), limit=90, what="systemd has booted")
                yield
            finally:
                # An orderly end of everything inside.
                container.terminate()
                with suppress(subprocess.TimeoutExpired):
                    container.wait(timeout=60)
                container.send_signal(signal.SIGKILL)

    def _is_up(self, container: subprocess.Popen[bytes]) -> bool:
        assert container.poll() is None, (self.root.parent / "boot.log").read_text()
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
        if not children:
            return False
        self._first_process = children[0]
        return self.run("systemctl", "is-system-running", code=None).strip() in {"running", "degraded"}


@contextmanager
def machine(system: Path) -> Iterator[Machine]:
    """A machine that begins as the base *system*, which is only read."""
    folder = Path(tempfile.mkdtemp(prefix="cdi-", dir="/var/tmp"))
    upper, work, root = (folder / each for each in ("upper", "work", "root"))
    for each in (upper, work, root):
        each.mkdir(mode=0o755)
    folder.chmod(0o755)
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={system},upperdir={upper},workdir={work}", root)
    try:
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        yield Machine(root, upper)
    finally:
        run("umount", root)
        shutil.rmtree(folder)
        # nspawn makes this folder for mounts that are handed in later, and leaves it.
        with suppress(OSError):
            Path("/run/systemd/nspawn/propagate", NAME).rmdir()
