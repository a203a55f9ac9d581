"""The version that was installed, and the revision it was built from."""

import os
from importlib.metadata import version

VERSION = version("braze-cdi-exporter")
REVISION = os.environ.get("BRAZE_CDI_EXPORTER_REVISION", "")
"""Set by the image build; empty when installed from a checkout."""
REPOSITORY = "https://github.com/braze-cdi-exporter/braze-cdi-exporter"
"""Where the runbook is read."""
