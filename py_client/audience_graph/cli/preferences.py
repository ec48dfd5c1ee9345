"""`audience-graph preferences`: the daily run of user vectors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

import click

from audience_graph.cli.options import data_dir_option, print_json
from audience_graph.config import find_connections, find_home
from audience_graph.graph.runner import open_runner
from audience_graph.preferences import last_day
from audience_graph.release import current
from audience_graph.release import refresh as refresh_release
from audience_graph.vectors.store import open_store


@click.group()
def preferences() -> None:
    """User vectors: the mean entity vector over each user's window of days."""


@preferences.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the window. [default: the last day with an event, at most today (UTC)]")  # fmt: skip # noqa: E501
@click.option("--sequences", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Take the sequences from this Parquet file instead of linking the loaded events; it covers the release's window.")  # fmt: skip # noqa: E501
@click.option("--force", is_flag=True, help="Publish even if more than half of the users, or all, lose their vector.")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def refresh(as_of: datetime | None, sequences: Path | None, force: bool, data_dir: str | None, as_json: bool) -> None:
    """Compute the vectors of users with new or expired events, and publish them as a new release in one transaction.

    The window is that of the current release: 30 days by default, else those its relations were mined with.

    \b
    audience-graph preferences refresh
    audience-graph preferences refresh --as-of 2026-07-27
    """
    from audience_graph.entities.dictionary import read_dictionary
    from audience_graph.ingest.sequences import sequences as link_sequences
    from audience_graph.ingest.warehouse import warehouse

    home = find_home(data_dir)
    connections = find_connections(home)
    with open_runner(connections) as runner:
        store = open_store(connections)
        now = current(store)
        days = now.preference_days
        if as_of is not None:
            day: date = as_of.date()
        else:  # a release may have been mined for a later day than the last event's: the same day again, then
            files = warehouse(home).batches("events") if sequences is None else (sequences,)
            day = max(last_day(files), now.preference_as_of)
        source = sequences or link_sequences(home, read_dictionary(runner), day, days=days)
        found = refresh_release(runner, store, source, day, warehouse=home.warehouse, home=home, days=days, force=force)
    if as_json:
        print_json(asdict(found))
        return
    click.echo(
        f"release {found.release.id} is current: user vectors of {found.release.preference_as_of}, "
        f"{found.recomputed:,} computed, {found.dropped:,} dropped, {found.users:,} in all"
    )
