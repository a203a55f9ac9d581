"""
Bring `.venv` in this checkout to the state that the lock files ask for: `python3 tools/setup.py run`, `dev` or `lab`.

`run` holds what the exporter needs, `dev` also what the checks need, `lab` also what mutation and fuzzing need.
Packages come only with the hashes in `requirements/`; the exporter itself is installed editable, so that an edit shows
without installing again. A stamp in `.venv` remembers the interpreter, the place and every input, so that a second call
is instant and a change is noticed. A lock makes two calls at once wait for each other. Nothing is written outside the
checkout; pip's cache is in `.tools`.

This file must compile on old Pythons, because it is what tells their owner so.
"""

import fcntl
import hashlib
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - the one file that an old Python is meant to reach
    sys.exit(
        "This needs Python 3.11 or later; {} is {}.{}. Name a newer one: make PYTHON=python3.12 ...".format(
            sys.executable, *sys.version_info[:2]
        )
    )

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
LOCKS = {
    "run": ["build.txt", "run.txt"],
    "dev": ["build.txt", "run.txt", "dev.txt"],
    "lab": ["build.txt", "run.txt", "dev.txt", "lab.txt"],
}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:  # noqa: PLR2004 - the script's name and one word
        sys.exit(f"usage: {sys.argv[0]} run|dev|lab")
    wanted = sys.argv[1]
    if wanted != "run" and sys.platform == "linux" and platform.libc_ver()[0] != "glibc":
        sys.exit("The checks need glibc: not all of their packages are made for Alpine's musl. make demo runs here.")
    (TOOLS / "tmp").mkdir(parents=True, exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(_is_current(kind) for kind in LOCKS if set(LOCKS[wanted]) <= set(LOCKS[kind])):
            _install(wanted)


def _digest(kind: str) -> str:
    """Everything that decides what `.venv` must hold; `.venv` cannot be moved, so its place counts too."""
    digest = hashlib.sha256(f"{sys.base_prefix}\n{sys.version}\n{ROOT}\n".encode())
    for path in [ROOT / "pyproject.toml", *(ROOT / "requirements" / name for name in LOCKS[kind])]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamp(kind: str) -> Path:
    return VENV / f"installed-{kind}"


def _is_current(kind: str) -> bool:
    stamp = _stamp(kind)
    return (VENV / "bin" / "python").exists() and stamp.exists() and stamp.read_text() == _digest(kind)


def _install(kind: str) -> None:
    made = _is_of_this_python()
    if not made:
        _require_venv()
    print(f"Installing into .venv what requirements/ names for '{kind}': up to a minute the first time.", flush=True)
    if not made:
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    for old in LOCKS:
        _stamp(old).unlink(missing_ok=True)
    # All lock files in one call: pip then refuses locks that contradict each other.
    _pip("--require-hashes", *(f"--requirement={ROOT / 'requirements' / name}" for name in LOCKS[kind]))
    _pip("--no-deps", "--no-build-isolation", f"--editable={ROOT}")
    _stamp(kind).write_text(_digest(kind))


def _is_of_this_python() -> bool:
    """Whether `.venv` was made by this interpreter in this place, and still works."""
    python, pip = VENV / "bin" / "python", VENV / "bin" / "pip"
    # pip's first lines name the interpreter it was installed for: a moved or copied .venv shows there.
    if not pip.exists() or str(VENV) not in "".join(pip.read_text().splitlines()[:3]):
        return False
    ask = "import sys; print(sys.base_prefix, sys.version)"
    answer = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return answer.stdout.rstrip("\n") == f"{sys.base_prefix} {sys.version}"


def _require_venv() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 - only to see whether it is there
    except ImportError:
        sys.exit("This Python comes without venv. On Debian and Ubuntu: apt-get install python3-venv")


def _pip(*arguments: str) -> None:
    environment = {**os.environ, "PIP_CACHE_DIR": str(TOOLS / "pip-cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", *arguments]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        sys.exit("Installing failed; pip says why above. Nothing outside this folder was changed; try again.")


if __name__ == "__main__":
    main()
