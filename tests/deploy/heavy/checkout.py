"""An ordinary user's checkout in a base system, and what is typed there."""

import subprocess
from pathlib import Path

from tests.deploy.heavy.machine import Machine
from tests.deploy.heavy.programs import CACHE, ROOT, run
from tests.deploy.heavy.registries import variables

USER = "somebody"
CHECKOUT = Path("home", USER, "checkout")
LOGS = CACHE


def add_checkout(server: Machine) -> None:
    """Give *server* the user, and what a clone would hold, with the changes that are not committed yet."""
    server.install(f"useradd --create-home --shell /bin/bash {USER}")
    # An installed Debian knows this name; debootstrap leaves it to the installer.
    (server.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    checkout = server.root / CHECKOUT
    checkout.mkdir()
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((ROOT / name).read_bytes())
            (checkout / name).chmod((ROOT / name).stat().st_mode & 0o777)
    server.install(f"chown --recursive {USER}:{USER} /home/{USER}")


def start(server: Machine, script: str, log: Path) -> "subprocess.Popen[bytes]":
    """Begin what *script* says as the user, in the checkout."""
    # Not politely, as all else here: some of these tests wait for the real clock, and fail where others come first.
    command = server.as_user(USER, f"cd /{CHECKOUT}\n{script}", variables())
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
