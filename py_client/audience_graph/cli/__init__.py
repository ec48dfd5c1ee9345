"""The command line: each command parses, calls one function, prints.

Data goes to stdout (a table, or `--json` / `--csv`), words go to stderr, an expected error is one line and exit 1.
A command is found in COMMANDS or in the entry point group `audience_graph.commands`; its module is imported only
when the command runs, so `--help` is fast and the client needs no trainer.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points

import click

from audience_graph.errors import AudienceGraphError, ConfigError, InputError

ENTRY_POINTS = "audience_graph.commands"

# command -> "module:attribute"
COMMANDS: dict[str, str] = {
    "audience": "audience_graph.cli.audience:audience",
    "console": "audience_graph.cli.console:console",
    "doctor": "audience_graph.cli.stack:doctor",
    "down": "audience_graph.cli.stack:down",
    "entities": "audience_graph.cli.entities:entities",
    "erase": "audience_graph.cli.erase:erase",
    "expand": "audience_graph.cli.ask:expand",
    "explain": "audience_graph.cli.ask:explain",
    "export": "audience_graph.cli.export:export",
    "holdout": "audience_graph.cli.holdout:holdout",
    "load": "audience_graph.cli.load:load",
    "migrate": "audience_graph.cli.migrate:migrate",
    "plan": "audience_graph.cli.ask:plan",
    "preferences": "audience_graph.cli.preferences:preferences",
    "query": "audience_graph.cli.query:query",
    "relation": "audience_graph.cli.relation:relation",
    "release": "audience_graph.cli.release:release",
    "resolve": "audience_graph.cli.ask:resolve",
    "results": "audience_graph.cli.results:results",
    "sequences": "audience_graph.cli.sequences:sequences",
    "status": "audience_graph.cli.stack:status",
    "suppress": "audience_graph.cli.suppress:suppress",
    "target": "audience_graph.cli.ask:target",
    "up": "audience_graph.cli.stack:up",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(set(COMMANDS) | {entry.name for entry in entry_points(group=ENTRY_POINTS)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = COMMANDS.get(cmd_name)
        if target is None:
            target = next((e.value for e in entry_points(group=ENTRY_POINTS) if e.name == cmd_name), None)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as exc:
            if (exc.name or module).partition(".")[0] in {"audience_graph", "audience_trainers"}:
                raise  # not an extra that is missing: our own fault
            return _unavailable(cmd_name, exc.name or module)
        assert isinstance(command, click.Command)
        return command


def _unavailable(name: str, missing: str) -> click.Command:
    hint = "install the whole package: pip install 'audience-graph[demo]'"

    @click.command(name, help=f"Not installed: needs {missing}.", context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def command(rest: tuple[str, ...]) -> None:  # noqa: ARG001
        raise ConfigError(f"`{name}` needs the Python package {missing}", hint=hint)

    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="audience-graph")
def audience_graph() -> None:
    """Type a service in words; get the users who will want it; see why.

    \b
    audience-graph up                        start the embedded Neo4j and Postgres
    audience-graph demo                      run the whole loop on a generated world
    audience-graph console                   the page for marketers
    audience-graph expand "skin care"        entities near a phrase
    audience-graph target "skin care" --size 1000 --out users.parquet
    audience-graph plan "people planning a family trip"       what a sentence asks for
    """


def main() -> None:
    """Run the command line; print an expected error as one line and exit with 1."""
    try:
        code = audience_graph(standalone_mode=False)  # click returns the code of an Exit here, it does not raise it
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("stopped; what readers see is unchanged; run the same command again to go on", err=True)
        sys.exit(130)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except AudienceGraphError as exc:
        show_error(exc)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def show_error(error: AudienceGraphError) -> None:
    """Print an expected error on stderr: what happened, the first problems of a file, what to do next."""
    click.echo(f"Error: {error.message}", err=True)
    if isinstance(error, InputError):
        for problem in error.problems:
            click.echo(f"  {problem}", err=True)
        if error.count > len(error.problems):
            click.echo(f"  ... and {error.count - len(error.problems):,} more", err=True)
    if error.hint is not None:
        click.echo(f"Hint: {error.hint}", err=True)
