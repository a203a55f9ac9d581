"""
Which registries this machine uses, and how it trusts them: asked of pip and npm, and handed on to a system inside.

Nothing of it is kept: it is this machine's, and of no use elsewhere.
"""

import ast
import os
import re
import shutil
import sys

from tests.deploy.heavy.base_systems import BUNDLE
from tests.deploy.heavy.programs import run

_LOCAL = {"PIP_FIND_LINKS", "PIP_CACHE_DIR"}
"""They name folders of this machine."""


def variables() -> dict[str, str]:
    """Variables of a process that tell pip and npm the same as they are told here."""
    environ = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environ["NODE_EXTRA_CA_CERTS"] = str(BUNDLE)
    pip = run(sys.executable, "-m", "pip", "config", "list").stdout
    for key, value in re.findall(r"^(?:global|install|download|:env:)\.([\w-]+)=(.*)$", pip, re.MULTILINE):
        environ[f"PIP_{key.upper().replace('-', '_')}"] = str(ast.literal_eval(value))
    if shutil.which("npm"):
        environ["npm_config_registry"] = run("npm", "config", "get", "registry").stdout.strip()
    return {name: value for name, value in environ.items() if name not in _LOCAL}
