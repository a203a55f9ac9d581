"""
The version that is released, in every file that names it: `python tools/release.py prepare|verify|notes VERSION`.

`prepare 0.2.0` writes the version into all of them and dates the changelog's section, for a person to review, commit
and tag as `v0.2.0`. `verify v0.2.0` fails unless the files agree with that tag; the release workflow begins with it, so
that a tag releases what it says or nothing. `notes v0.2.0` prints the changelog's section: the text of the release.
`home URL` writes the project's address into every file that links to it.
"""

import datetime as dt
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What stands before a version of ours. A dependency's version follows none of these.
NAMED = re.compile(
    r"""(?P<before>
        ^version\ =\ "                   # pyproject.toml
      | ^ARG\ VERSION=                   # Dockerfile
      | ^(?:version|appVersion):\ "?     # Chart.yaml
      | \bbraze-cdi-exporter[:_-]        # an image, a Debian package or a chart
      | \bbraze_cdi_exporter-            # a wheel or an sdist
      | --version\ (?=\d)                # helm's flag
    )(?P<version>\d+\.\d+\.\d+)(?![0-9A-Za-z])""",
    re.MULTILINE | re.VERBOSE,
)


def naming_files() -> list[Path]:
    """Every file that may name the version."""
    return [
        ROOT / "pyproject.toml",
        ROOT / "Dockerfile",
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted(path for path in (ROOT / "deploy").rglob("*") if path.suffix in {".yaml", ".md"}),
    ]


def home() -> str:
    """The address of the project, with which links into it begin."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["release"]["home"])


def linking_files() -> list[Path]:
    """Every file that may link to the project by its address."""
    found = [path for folder in ("deploy", "docs", "exporter", "tests") for path in (ROOT / folder).rglob("*")]
    kinds = {".json", ".libsonnet", ".md", ".py", ".tpl", ".yaml", ".yml"}
    return [ROOT / "pyproject.toml", *sorted(path for path in found if path.suffix in kinds)]


def move(new: str) -> None:
    old = home()
    for path in linking_files():
        if old in (text := path.read_text()):
            path.write_text(text.replace(old, new.rstrip("/")))


def notes(changelog: str, version: str) -> str:
    """
    The section of *version* in *changelog*.

    Raises:
        ValueError: there is none, it has no date, or it says nothing.
    """
    section = re.search(
        rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if section is None or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no section '## {version} - YYYY-MM-DD' with a text")
    return section[1].strip()


def date_changelog(changelog: str, version: str, day: dt.date) -> str:
    """*changelog* with what was unreleased as the section of *version*, and an empty place for what comes next."""
    dated, count = re.subn(r"^## Unreleased$", f"## Unreleased\n\n## {version} - {day}", changelog, flags=re.MULTILINE)
    if count != 1:
        raise ValueError("CHANGELOG.md has no section '## Unreleased'")
    return dated


def disagreements(version: str) -> list[str]:
    """What stands in the way of releasing *version* from the files as they are."""
    problems = [
        f"{path.relative_to(ROOT)} names {found['version']}"
        for path in naming_files()
        for found in NAMED.finditer(path.read_text())
        if found["version"] != version
    ]
    try:
        notes((ROOT / "CHANGELOG.md").read_text(), version)
    except ValueError as error:
        problems.append(str(error))
    return problems


def prepare(version: str) -> None:
    for path in naming_files():
        text = path.read_text()
        named = NAMED.sub(lambda found: found["before"] + version, text)
        if named != text:
            path.write_text(named)
    changelog = ROOT / "CHANGELOG.md"
    changelog.write_text(date_changelog(changelog.read_text(), version, dt.datetime.now(dt.UTC).date()))


def main() -> None:
    match sys.argv[1:]:
        case ["prepare", version] if re.fullmatch(r"\d+\.\d+\.\d+", version):
            prepare(version)
            print(f"Review and commit this, then: git tag --sign v{version} && git push origin v{version}")
        case ["verify", tag]:
            problems = disagreements(tag.removeprefix("v"))
            if problems or not tag.startswith("v"):
                sys.exit("\n".join([f"{tag} cannot be released:", *problems]))
        case ["notes", tag]:
            print(notes((ROOT / "CHANGELOG.md").read_text(), tag.removeprefix("v")))
        case ["home", url] if re.fullmatch(r"https://[\w./-]+", url):
            move(url)
            print("Review and commit this.")
        case ["version"]:
            print(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
        case _:
            sys.exit(f"usage: {sys.argv[0]} prepare X.Y.Z | verify vX.Y.Z | notes vX.Y.Z | version | home URL")


if __name__ == "__main__":
    main()
