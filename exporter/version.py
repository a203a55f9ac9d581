"""The version that was installed, and the revision it was built from."""

import os
from importlib.metadata import metadata, version

VERSION = version("braze-cdi-exporter")
REVISION = os.environ.get("BRAZE_CDI_EXPORTER_REVISION", "")
"""Set by the image build; empty when installed from a checkout."""
_LINKS = dict(link.split(", ", 1) for link in metadata("braze-cdi-exporter").get_all("Project-URL", []))
REPOSITORY = _LINKS.get("Source", "https://github.com/braze-cdi-exporter/braze-cdi-exporter")
"""Where the runbook is read; a released package knows where it was released."""
