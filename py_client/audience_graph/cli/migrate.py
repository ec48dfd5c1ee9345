"""`audience-graph migrate`: bring both stores to the schema of this installation."""

from __future__ import annotations

from dataclasses import asdict

import click

from audience_graph.cli.options import data_dir_option, format_options, print_note, print_rows
from audience_graph.config import find_connections, find_home
from audience_graph.schema import migrate as migrate_stores
from audience_graph.schema import status as schema_status


@click.command()
@data_dir_option
@click.option("--dry-run", is_flag=True, help="Show what would run; write nothing.")
@click.option("--status", "show_status", is_flag=True, help="Show every script, applied or waiting; write nothing.")
@format_options
def migrate(data_dir: str | None, dry_run: bool, show_status: bool, as_json: bool, as_csv: bool) -> None:
    """Apply the schema scripts that Neo4j or Postgres lack.

    Safe to run again, to interrupt and to run from several machines at once. A script that was edited after it ran
    is refused.

    \b
    audience-graph migrate --dry-run
    audience-graph migrate
    """
    connections = find_connections(find_home(data_dir))
    if show_status:
        scripts = schema_status(connections)
    else:
        scripts = migrate_stores(connections, dry_run=dry_run, note=print_note)
    print_rows(
        [asdict(script) for script in scripts],
        columns=("store", "name", "applied_at", "checksum"),
        as_json=as_json,
        as_csv=as_csv,
    )
    if not show_status:
        words = "would run" if dry_run else "applied"
        click.echo(f"{len(scripts)} scripts {words}" if scripts else "both stores are up to date", err=True)
