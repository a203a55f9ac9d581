"""The command line: flags, subcommands and exit codes. Everything else is behind `app.py`."""

from exporter.cli.commands import main as main
from exporter.cli.init import init as init
