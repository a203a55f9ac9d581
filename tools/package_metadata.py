"""
The part of the package's metadata that is known only where it is released: the project's home and its contact.

No address is written into this repository, so that a fork or a mirror releases under its own. The release sets
`PROJECT_URL` (the workflow takes it from the repository that it runs in); then the metadata has the project's links,
and the relative links of the README become absolute, because a package index shows it without the files beside it.
Without it there are no links, and the README stays as it is. `PROJECT_EMAIL` is the authors' address, if they have one.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

AUTHORS = "The braze-cdi-exporter authors"


class PackageMetadata(MetadataHookInterface):
    """Hatchling calls this for the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        home = os.environ.get("PROJECT_URL", "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, home, f"v{metadata['version']}") if home else text,
        }
        metadata["urls"] = project_urls(home) if home else {}
        address = os.environ.get("PROJECT_EMAIL", "")
        metadata["authors"] = [{"name": AUTHORS, **({"email": address} if address else {})}]


def project_urls(home: str) -> dict[str, str]:
    return {
        "Homepage": home,
        "Documentation": f"{home}/tree/main/docs",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        "Issues": f"{home}/issues",
        "Source": home,
    }


def with_absolute_links(text: str, home: str, tag: str) -> str:
    """The Markdown *text* with each relative link and picture pointing into the repository at *home* as of *tag*."""

    def absolute(link: re.Match[str]) -> str:
        picture, title, target = link.groups()
        return f"{picture}[{title}]({home}/{'raw' if picture else 'blob'}/{tag}/{target})"

    return re.sub(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)", absolute, text)
