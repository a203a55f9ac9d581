"""
The commands. Each reads its flags, calls the composition root, and turns the outcome into text and an exit code.

Each imports its dependencies when it is called: `--version` need not wait for a web server, nor `check` for a client.
"""
# ruff: noqa: PLC0415 - for the reason above; the imports below are quick and needed by every command

import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from exporter.app.output import OutputError, create_file, replace_file
from exporter.cli.flags import DURATION, FILE, ONLY_READ, daemon_flags, inherited_flags, own_flag
from exporter.cli.help import Group
from exporter.cli.running import FAILED, WRONG, fail, load, open_log, run, serve
from exporter.cli.tables import in_columns, render_table, render_yaml
from exporter.config.errors import ConfigError
from exporter.version import VERSION


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, "--version", prog_name="braze-cdi-exporter", message="%(prog)s %(version)s")
@daemon_flags()
@click.pass_context
def main(context: click.Context, /, **values: Any) -> None:
    """
    Export the state of Braze Cloud Data Ingestion to Prometheus.

    Without a command, run the daemon until SIGTERM or SIGINT.
    """
    if context.invoked_subcommand is None:
        from exporter.app.daemon import Options, run_daemon

        options = Options(
            config_file=values["config_file"],
            listen_addresses=values["web_listen_address"],
            telemetry_path=values["web_telemetry_path"],
            web_config_file=values["web_config_file"],
            enable_lifecycle=values["web_enable_lifecycle"],
            storage_path=values["storage_path"],
            auto_reload_seconds=values["config_auto_reload_interval"],
            shard=values["shard"],
            systemd_socket=values["web_systemd_socket"],
        )
        serve(partial(run_daemon, options), values["log_level"], values["log_format"])


@main.command()
@inherited_flags("--config.file")
@own_flag(
    "--online",
    is_flag=True,
    default=False,
    help="Also ask Braze whether the key is accepted, which permissions it has, and whether each id is known.",
)
@own_flag(
    "--report",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    help="With --online: print a masked report of how Braze really answers, or write it to FILE.",
)
@own_flag(
    "--format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="For people, for programs, or as annotations in GitHub's checks.",
)
@own_flag("--schema", is_flag=True, default=False, help="Print the JSON Schema of the configuration instead.")
def check(config_file: str, *, online: bool, report: str | None, format: str, schema: bool) -> None:  # noqa: A002
    """Validate the configuration; show the limits in effect and the cost in requests."""
    from exporter.cli.checking import print_schema, run_check

    if report is not None and not online:
        raise click.UsageError("--report needs --online: it reports what Braze answers")
    if schema:
        print_schema()
    elif not run_check(config_file, online=online, report=report, form=format):
        sys.exit(WRONG)


@main.command()
@inherited_flags("--config.file")
@own_flag("--output", type=click.Choice(["table", "yaml"]), default="table", help="A table, or YAML to paste.")
def integrations(config_file: str, output: str) -> None:
    """List the integrations that the key of each workspace can see."""
    from exporter.app.commands import list_visible

    visible = run(list_visible(load(config_file)))
    click.echo(render_yaml(visible) if output == "yaml" else render_table(visible))
    if errors := [f"{one.workspace}: {one.error}" for one in visible if one.error is not None]:
        fail("\n".join(errors))


@main.command()
@inherited_flags("--config.file")
@own_flag("--output", type=FILE, metavar="FILE", help="Write the page to this file, replacing it in one step.")
@inherited_flags("--storage.path", "--log.level", "--log.format")
def once(config_file: str, output: str | None, storage_path: str, log_level: str, log_format: str) -> None:
    """Poll everything once and print the metrics page."""
    from exporter.app.commands import poll_once

    config = load(config_file)
    with open_log(log_level, log_format) as (log, _):
        succeeded, page = run(poll_once(config, storage_path, log))
    try:
        if output is None:
            sys.stdout.buffer.write(page)
            sys.stdout.buffer.flush()
        else:
            with replace_file(Path(output)) as stream:
                stream.write(page)
    except BrokenPipeError:
        raise  # the reader of the page has stopped; click ends quietly
    except OSError as error:
        fail(str(OutputError("standard output", error)))
    except OutputError as error:
        fail(str(error))
    sys.exit(0 if succeeded else FAILED)


@main.command()
@inherited_flags("--config.file")
@own_flag("--output", type=FILE, metavar="FILE", required=True, help="Write the past syncs here, as OpenMetrics.")
@own_flag("--since", type=DURATION, default="90d", help="How far back.")
def backfill(config_file: str, output: str, since: float) -> None:
    """Write past syncs for `promtool tsdb create-blocks-from openmetrics`."""
    from exporter.app.backfill import backfill as write_history

    config = load(config_file)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C does, it leaves nothing half done behind
    try:
        complete = run(write_history(config, Path(output), since, partial(click.echo, err=True)))
    except OutputError as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # the reader of the progress has stopped
    except OSError as error:
        fail(f"a temporary file cannot be written: {error.strerror}; make room, or let TMPDIR name another directory")
    sys.exit(0 if complete else FAILED)


@main.command()
@inherited_flags("--config.file")
@inherited_flags("--storage.path", instead=ONLY_READ)
@own_flag("--since", type=DURATION, default="30d", help="How far back; limits are learned from what was before that.")
@own_flag("--integration", metavar="ID", multiple=True, help="Only this integration; may be repeated.")
@own_flag("--output", type=click.Choice(["table", "json"]), default="table", help="A table, or JSON.")
def replay(config_file: str, storage_path: str, since: float, integration: tuple[str, ...], output: str) -> None:
    """Show what would have been reported in the past, with the limits of the configuration."""
    from exporter.app.replay import render_json, replay_all, summary_rows, table_rows

    outcome = run(replay_all(load(config_file), storage_path, since, integration, partial(click.echo, err=True)))
    if output == "json":
        click.echo(render_json(outcome))
    else:
        click.echo(in_columns(table_rows(outcome)))
        click.echo("")
        click.echo(in_columns(summary_rows(outcome)))
    sys.exit(FAILED if outcome.failed else 0)


@main.command()
@click.argument("wanted", metavar="ID")
@inherited_flags("--config.file")
@inherited_flags("--storage.path", instead=ONLY_READ)
@own_flag(
    "--url", metavar="URL", help="A running exporter; without it, one on this host is tried, then the state is read."
)
@own_flag("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or JSON.")
def explain(wanted: str, config_file: str, storage_path: str, url: str | None, output: str) -> None:
    """Show why an integration, given by id or name, is judged and polled as it is."""
    from exporter.cli.explaining import run_explain

    with open_log("error", "logfmt") as (log, _):
        explained = run_explain(wanted, url, output, lambda: load(config_file), storage_path, log)
    sys.exit(0 if explained else FAILED)


@main.command("support-bundle")
@inherited_flags("--config.file")
@inherited_flags("--storage.path", instead=ONLY_READ)
@own_flag("--url", metavar="URL", help="As for explain.")
@own_flag("--output", type=FILE, metavar="FILE", required=True, help="Write a ZIP archive here; it must not exist yet.")
def support_bundle(config_file: str, storage_path: str, url: str | None, output: str) -> None:
    """Write a file with what a maintainer needs; keys, ids and names are masked."""
    from exporter.app.running import NoExporterError
    from exporter.app.support_bundle import build_bundle

    config, say = load(config_file), partial(click.echo, err=True)
    try:
        with open_log("error", "logfmt") as (log, _):
            bundle = run(build_bundle(config, storage_path, url, say, log))
        create_file(Path(output), bundle)
    except (NoExporterError, OutputError) as error:
        fail(str(error))
    say(f"{output} is written; look through it before you send it. It has no log; lines you add are not masked.")


@main.command()
@inherited_flags("--web.listen-address", web_listen_address=("127.0.0.1:10273",))
@inherited_flags("--web.telemetry-path", "--log.level", "--log.format")
@own_flag("--style", metavar="FILE", help="Let the simulated Braze answer like this field report or style file.")
def demo(**values: Any) -> None:
    """Run against a simulated Braze on loopback: no account, no key, no configuration."""
    from exporter.app.demo import run_demo
    from exporter.simulator.style_file import load_style

    try:
        style = load_style(values["style"]) if values["style"] is not None else None
    except ConfigError as error:
        fail(str(error), WRONG)
    demo = partial(run_demo, values["web_listen_address"], values["web_telemetry_path"], say=click.echo, style=style)
    serve(demo, values["log_level"], values["log_format"])
