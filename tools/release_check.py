"""
Try a release as far as this machine can: `make release-check`.

Everything happens in a clean clone of the last commit, below `build/release-check`: what is not committed is not
released. The clone is prepared as for the next tag, built by the script that the release workflow runs, and each
artefact is checked and used. Nothing is published. Ends with a table: artefact, size, checks, what a person must do.
"""

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "release-check"
CLONE = WORK / "clone"
DIST = CLONE / "dist"
BIN = ROOT / ".venv" / "bin"
HELM = ROOT / ".tools" / "go" / "bin" / "helm"
HOME = "https://forge.example.com/owner/project"
"""Stands in for the repository that the workflow runs in."""

ENVIRONMENT = {
    **os.environ,
    "PATH": f"{HELM.parent}:{BIN}:{os.environ['PATH']}",
    "PYTHON": str(BIN / "python"),
    "PROJECT_URL": HOME,
    "PROJECT_EMAIL": "exporter@example.com",
    "IMAGE": "registry.example.com/Owner/braze-cdi-exporter",
    # What installs for one run keeps to this folder, and to the Python in use.
    "PIPX_HOME": str(WORK / "pipx"),
    "PIPX_DEFAULT_PYTHON": str(BIN / "python"),
    "UV_CACHE_DIR": str(WORK / "uv"),
    "UV_PYTHON": str(BIN / "python"),
    "UV_PYTHON_DOWNLOADS": "never",
}

WHEELS = {("manylinux2014",): ("build", "release", "run"), ("musllinux_1_1", "musllinux_1_2"): ("build", "run")}
"""The locks of which all packages must be there, compiled: for the image, and for `make demo` on Alpine."""


@dataclass
class Artefact:
    """A row of the table."""

    name: str
    todo: str
    size: str = "-"
    checks: list[str] = field(default_factory=list)


def run(*command: object, cwd: Path = CLONE) -> str:
    """What *command* prints; a command that fails ends the check with all it said."""
    print(f"$ {' '.join(Path(str(each)).name if '/' in str(each) else str(each) for each in command)}", flush=True)
    done = subprocess.run([*map(str, command)], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"release-check: this failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def size(*paths: Path) -> str:
    return ", ".join(f"{path.stat().st_size / 1000:,.0f} kB" for path in paths)


def prepare(version: str) -> Artefact:
    row = Artefact("tag and notes", f"make release VERSION={version}, review, commit, sign the tag, push it")
    if run("git", "status", "--porcelain", cwd=ROOT):
        print("release-check: uncommitted changes are not part of this")
    run("git", "clone", "--quiet", "--no-hardlinks", ROOT, CLONE, cwd=ROOT)
    run(sys.executable, "tools/release.py", "prepare", version)
    run(sys.executable, "tools/release.py", "verify", f"v{version}")
    notes = run(sys.executable, "tools/release.py", "notes", f"v{version}")
    row.size, row.checks = f"{len(notes.splitlines())} lines", ["versions agree", "changelog section"]
    return row


def workflows() -> Artefact:
    run(HELM.parent / "actionlint", "-color=false")
    run(BIN / "zizmor", "--offline", "--quiet", "--persona=pedantic", "--min-severity=low", ".github")
    return Artefact("workflows", "protect the environment pypi and the tags v*", checks=["actionlint", "zizmor"])


def python() -> list[Artefact]:
    (wheel,), (sdist,) = (DIST / "python").glob("*.whl"), (DIST / "python").glob("*.tar.gz")
    run(BIN / "check-wheel-contents", wheel)
    run(BIN / "twine", "check", "--strict", wheel, sdist)
    (rating,) = re.findall(r"Final rating: (\d+/10)", run(BIN / "pyroma", "--min", 9, sdist))
    checks = ["built twice, same bytes", "twine", f"pyroma {rating}"]
    todo = "make the project known to the package index as a trusted publisher; set the variable PROJECT_EMAIL"

    bare = WORK / "bare"
    run(BIN / "python", "-m", "venv", bare)
    run(bare / "bin" / "pip", "install", "--quiet", wheel)
    demo(bare / "bin" / "braze-cdi-exporter")
    in_one_line(wheel)

    (WORK / "sdist").mkdir()
    run("tar", "-xf", sdist, "-C", WORK / "sdist")
    (unpacked,) = (WORK / "sdist").iterdir()
    passed = run(BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/domain", cwd=unpacked)
    (tests,) = re.findall(r"^(\d+) passed", passed, re.MULTILINE)
    return [
        Artefact(
            wheel.name, todo, size(wheel), ["check-wheel-contents", *checks, "demo without isal", "by pipx", "by uvx"]
        ),
        Artefact(sdist.name, "the same", size(sdist), [*checks, f"its own {tests} quick tests"]),
    ]


def in_one_line(wheel: Path) -> None:
    """The first line of the README, by both programs that take it; from the file, as long as no index has it."""
    runners = WORK / "runners"
    run(BIN / "python", "-m", "venv", runners)
    run(runners / "bin" / "pip", "install", "--quiet", "--require-hashes", "--requirement=requirements/runners.txt")
    demo(runners / "bin" / "pipx", "run", "--spec", wheel, "braze-cdi-exporter")
    demo(runners / "bin" / "uvx", "--from", wheel, "braze-cdi-exporter")


def demo(*program: object) -> None:
    """The demo, as a user runs it: metrics and the page for people come, and SIGTERM ends it well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [*map(str, program), "demo", f"--web.listen-address={address}"]
    print(f"$ {' '.join(Path(each).name for each in command)}", flush=True)
    said = WORK / "demo.log"
    with said.open("w") as log:
        process = subprocess.Popen(command, cwd=WORK, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 180  # pipx and uvx install first
        while "braze_cdi_up{" not in scraped(f"http://{address}/metrics"):
            if time.monotonic() > deadline or process.poll() is not None:
                sys.exit(f"release-check: the demo serves no metrics:\n{said.read_text()}")
            time.sleep(0.5)
        if "</html>" not in scraped(f"http://{address}/"):
            sys.exit("release-check: the demo shows no status page")
        process.send_signal(signal.SIGTERM)
        if process.wait(30) != 0:
            sys.exit("release-check: the demo did not end with exit code 0")
    finally:
        process.kill()


def scraped(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, chosen above
            return str(answer.read().decode())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return ""


def bill_of_materials() -> Artefact:
    (path,) = DIST.glob("*.cdx.json")
    bill = json.loads(path.read_text())
    held = {each["name"].lower().replace("_", "-") for each in bill["components"]}
    locked = set(re.findall(r"^([\w.-]+)==", (CLONE / "requirements" / "run.txt").read_text(), re.MULTILINE))
    if not locked <= held:
        sys.exit(f"release-check: the bill of materials lacks {sorted(locked - held)}")
    return Artefact(
        path.name, "nothing", size(path), [f"CycloneDX {bill['specVersion']}", f"all {len(locked)} packages"]
    )


def manual() -> Artefact:
    (path,) = DIST.glob("*.1")
    return Artefact(path.name, "nothing", size(path), ["made of --help", "shown without a warning by make unit"])


def debian_package() -> list[Artefact]:
    found = list(DIST.glob("*.deb"))  # none without dpkg-deb
    for path in found:
        run("dpkg-deb", "--extract", path, WORK / "deb")
        run(BIN / "python", "-I", WORK / "deb" / "usr" / "bin" / "braze-cdi-exporter", "check", "--schema")
    return [Artefact(path.name, "make test-deploy installs it", size(path), ["unpacked, runs"]) for path in found]


def chart() -> Artefact:
    (package,) = (DIST / "chart").glob("*.tgz")
    run(HELM, "lint", "--strict", "--kube-version", "1.32", package)
    options = ("--set", "prometheusRule.enabled=true", "--kube-version", "1.32")
    rendered = run(HELM, "template", "braze-cdi-exporter", package, *options)
    if "image: registry.example.com/owner/braze-cdi-exporter:" not in rendered or f"{HOME}/blob/" not in rendered:
        sys.exit("release-check: the packaged chart does not know its image or the project's page")
    arguments = ("-q", "-p", "no:cacheprovider", "-o", "python_files=heavy_*.py", "tests/deploy/chart")
    passed = run(BIN / "python", "-m", "pytest", *arguments, cwd=ROOT)
    (tests,) = re.findall(r"^(\d+) passed", passed, re.MULTILINE)
    checks = ["helm lint --strict", "helm template", f"{tests} tests, equal to Kustomize"]
    return Artefact(package.name, "make the package public after the first push", size(package), checks)


def image() -> Artefact:
    todo = "make test-deploy as root before tagging; make the package public after the first push"
    run(BIN / "hadolint", "Dockerfile")
    (python,) = re.findall(r"^ARG BASE=python:(\d+\.\d+)", (CLONE / "Dockerfile").read_text(), re.MULTILINE)
    options = ("--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", f"--dest={WORK / 'wheels'}")
    for (libraries, locks), machine in itertools.product(WHEELS.items(), ("x86_64", "aarch64")):
        only = (f"--python-version={python}", *(f"--platform={each}_{machine}" for each in libraries))
        for lock in locks:
            run(BIN / "pip", "download", *options, *only, f"--requirement=requirements/{lock}.txt")
    checks = ["hadolint", "wheels for both platforms, glibc and musl", "built only by make test-deploy and the tag"]
    return Artefact("image, amd64 and arm64", todo, checks=checks)


def show(rows: list[Artefact]) -> None:
    table = [("artefact", "size", "checks passed", "what a person must still do")]
    table += [(row.name, row.size, "; ".join(row.checks), row.todo) for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[3]]))


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    version = run(sys.executable, "tools/release.py", "version", cwd=ROOT).strip()
    rows = [prepare(version), workflows()]
    run("tools/build-release")
    rows += [*python(), bill_of_materials(), manual(), *debian_package(), chart(), image()]
    print()
    show(rows)


if __name__ == "__main__":
    main()
