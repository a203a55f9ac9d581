"""
`init`: from an endpoint and a key file to a configuration that works, with the scrape job for Prometheus.

Decides what is written, all of it before the first file is. No key is copied: each file names the key's file or the
Secret. What Braze says is in comments or quotes, where it can do nothing.
"""
# ruff: noqa: PLC0415 - as in `commands.py`

import os
import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.app.output import OutputError, check_creatable, create_files
from exporter.cli.commands import main
from exporter.cli.flags import ENDPOINT, INSTANCE, own_flag
from exporter.cli.running import WRONG, fail
from exporter.cli.tables import render_integrations, to_yaml
from exporter.config.errors import ConfigError

if TYPE_CHECKING:
    from exporter.domain.listing import ListedIntegration

_SECRET = "braze-cdi-exporter-keys"  # noqa: S105 - its name
_MOUNTED = "/run/secrets/braze-cdi-exporter"
"""Where the chart lets the container see the Secret's keys, each as a file."""
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")

_CONFIG = """\
# Written by `braze-cdi-exporter init`. docs/configuration.md explains every key, those that are left out too.
# `braze-cdi-exporter check --online --config.file=FILE` checks it; changes are noticed while the exporter runs.
{workspaces}"""
_WORKSPACE = """\
workspaces:
  - name: {name}  # label `workspace`
    rest_endpoint: {endpoint}
    api_key_file: {key_file}  # read again when it changes
    discovery:
      enabled: true  # also watch what is created later; false: only what is listed here
"""
_LIST = """\
    # What the key sees. `name` is the label `integration_name`, and stays when Braze's changes. Beside it may stand:
    #   expected_interval: 1d  # how often a sync is expected; needed where no run is announced and the rhythm varies
    #   timezone: Europe/Berlin  # of that schedule
    #   limits: {lag: 2h, rows_synced: 1000}  # what is still fine, in place of what is learned
    #   alerts: no-page  # critical becomes warning; off: its problems become info
    #   labels: {team: crm}
"""
_SCRAPE = """\
# Written by `braze-cdi-exporter init`: add the job to prometheus.yml or, from Prometheus 2.43 on, name this
# file in `scrape_config_files` there.
scrape_configs:
  - job_name: braze-cdi-exporter  # the alerts find the exporter by it
    scrape_interval: 30s
    scrape_timeout: 10s
    static_configs:
      - targets: ["127.0.0.1:10273"]  # where the exporter listens, as Prometheus sees it
"""
_VALUES = """\
# Written by `braze-cdi-exporter init`, for the chart in deploy/helm/braze-cdi-exporter. It needs the Secret first:
#   {command}
apiKeys:
  existingSecret: {secret}
# image:
#   repository: registry.example.com/braze-cdi-exporter
serviceMonitor:
  enabled: false  # true with the Prometheus Operator; `labels` are those that your Prometheus looks for
prometheusRule:
  enabled: false  # as above: the shipped alerts
config:
{workspaces}"""


@main.command()
@own_flag("--endpoint", type=ENDPOINT, metavar="URL", help="The workspace's REST endpoint.")
@own_flag("--instance", type=INSTANCE, metavar="NAME", help="The instance instead of its endpoint, such as EU-02.")
@own_flag(
    "--api-key-file", metavar="FILE", required=True, help="File with the REST API key; it is named, never copied."
)
@own_flag("--workspace", metavar="NAME", default="production", help="Name of the workspace, and the label `workspace`.")
@own_flag("--output", metavar="DIRECTORY", default=".", help="Where the files are created; `-` prints them.")
@own_flag("--kubernetes", is_flag=True, default=False, help="Also write values.yaml for the Helm chart.")
def init(
    endpoint: str | None, instance: str | None, api_key_file: str, workspace: str, output: str, *, kubernetes: bool
) -> None:
    """Ask Braze what a key can see; write the configuration and the scrape job for Prometheus."""
    from exporter.config.values import is_text

    origin = endpoint or instance
    if origin is None or (endpoint and instance):
        raise click.UsageError("name either --endpoint or --instance")
    key_file = str(Path(api_key_file).absolute())  # the configuration may be moved
    if not is_text(key_file) or not is_text(workspace):
        raise click.UsageError("--api-key-file and --workspace must be on one line each")
    if kubernetes and not _SECRET_KEY.fullmatch(workspace):
        raise click.UsageError("--workspace names a key of the Secret: letters, digits, `-`, `_` and `.`")
    names = ["config.yaml", "scrape.yaml", *(["values.yaml"] if kubernetes else [])]
    try:
        if output != "-":
            check_creatable(Path(output), names)
        contents = _ask(workspace, origin, key_file)
        files = {name: contents[name] for name in names}
        if output == "-":
            click.echo("---\n".join(f"# {name}\n{content}" for name, content in files.items()), nl=False)
        else:
            create_files(Path(output), files)
            click.echo(f"wrote {', '.join(str(Path(output, name)) for name in names)}", err=True)
    except ConfigError as error:
        fail(str(error), WRONG)
    except OutputError as error:
        fail(str(error))
    if kubernetes:
        click.echo(f"next: {_make_secret(workspace, key_file)}", err=True)


def _ask(workspace: str, endpoint: str, key_file: str) -> Mapping[str, str]:
    """Return the content of each file, if everything works that the configuration needs."""
    import asyncio

    from exporter.app.commands import look_at
    from exporter.config.load import single_workspace

    configured = single_workspace(workspace, endpoint, key_file, os.environ)
    if configured.key.read() in key_file:  # Braze's answers hold none: `braze.client` ensures that
        fail("the path of the key's file holds the key itself; rename the file", WRONG)
    visible, results = asyncio.run(look_at(configured))
    for result in results:
        click.echo(f"{result.workspace}: {'' if result.good else 'ERROR: '}{result.text}", err=True)
    if not all(result.good for result in results):
        fail("nothing is written")
    return render_files(workspace, endpoint, key_file, visible.integrations)


def render_files(
    workspace: str, endpoint: str, key_file: str, listed: Sequence["ListedIntegration"]
) -> Mapping[str, str]:
    """Return the content of every file that `init` can write, by name."""
    mounted = _render_workspace(workspace, endpoint, f"{_MOUNTED}/{workspace}", listed)
    command = _make_secret(workspace, key_file)
    return {
        "config.yaml": _CONFIG.format(workspaces=_render_workspace(workspace, endpoint, key_file, listed)),
        "scrape.yaml": _SCRAPE,
        "values.yaml": _VALUES.format(command=command, secret=_SECRET, workspaces=textwrap.indent(mounted, "  ")),
    }


def _render_workspace(workspace: str, endpoint: str, key_file: str, listed: Sequence["ListedIntegration"]) -> str:
    head = _WORKSPACE.format(name=to_yaml(workspace), endpoint=endpoint, key_file=to_yaml(key_file))
    return f"{head}{_LIST}{render_integrations(listed)}\n" if listed else head


def _make_secret(workspace: str, key_file: str) -> str:
    return f"kubectl create secret generic {_SECRET} --from-file={shlex.quote(f'{workspace}={key_file}')}"
