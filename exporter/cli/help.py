"""
How help reads: summaries that are not cut, variables said once, examples.

Decides nothing of what a command does. The man page is made of the same texts, by `tools/man_page.py`.
"""

import click

VARIABLES = (
    "Each flag can also be set by an environment variable: BRAZE_CDI_EXPORTER_ and the flag in upper case, "
    "with _ for . and -."
)
DAEMON = "braze-cdi-exporter"
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    DAEMON: (
        ("Run the daemon.", "braze-cdi-exporter --config.file /etc/braze-cdi-exporter/config.yaml"),
        ("Try it without an account.", "braze-cdi-exporter demo"),
    ),
    "init": (
        (
            "From a key to a configuration.",
            "braze-cdi-exporter init --instance EU-02 --api-key-file /run/secrets/braze",
        ),
        (
            "With values for the Helm chart.",
            "braze-cdi-exporter init --instance US-03 --api-key-file production.key --kubernetes",
        ),
    ),
    "check": (
        ("Before a start, or in a pipeline.", "braze-cdi-exporter check --online"),
        ("As annotations in a workflow on GitHub.", "braze-cdi-exporter check --format github"),
        ("For an editor.", "braze-cdi-exporter check --schema"),
    ),
    "integrations": (("A block for the configuration.", "braze-cdi-exporter integrations --output yaml"),),
    "once": (
        (
            "From cron, for node_exporter's textfile collector.",
            "braze-cdi-exporter once --output /var/lib/node_exporter/braze_cdi.prom",
        ),
    ),
    "backfill": (("A month of history for Prometheus.", "braze-cdi-exporter backfill --output past.om --since 30d"),),
    "replay": (
        ("Try limits on the last quarter.", "braze-cdi-exporter replay --since 90d"),
        ("One integration, for a program.", "braze-cdi-exporter replay --integration ID --output json"),
    ),
    "explain": (
        ("Why is it reported?", "braze-cdi-exporter explain users"),
        ("Ask an exporter elsewhere.", "braze-cdi-exporter explain --url https://exporter.example:10273 ID"),
    ),
    "support-bundle": (("For a bug report.", "braze-cdi-exporter support-bundle --output bundle.zip"),),
    "demo": (("On another port.", "braze-cdi-exporter demo --web.listen-address 127.0.0.1:8080"),),
}
"""For each command what it is good for, and how it is called."""


class Command(click.Command):
    """A command whose summary is its whole first sentence, and whose help ends with examples."""

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the summary; the list of commands breaks it into lines."""
        return super().get_short_help_str(max(limit, len(self.help or "")))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as click calls it
        """Write what follows the flags."""
        formatter.write_paragraph()
        formatter.write_text(VARIABLES)
        with formatter.section("Examples"):
            for purpose, call in EXAMPLES.get(self.name or DAEMON, EXAMPLES[DAEMON]):
                formatter.write(f"{'':>{formatter.current_indent}}# {purpose}\n")
                formatter.write(f"{'':>{formatter.current_indent}}{call}\n")


class Group(Command, click.Group):
    """The command without a command, with all the others."""

    command_class = Command
