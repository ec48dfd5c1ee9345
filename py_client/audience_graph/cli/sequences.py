"""`audience-graph sequences`: which entities each user met in the last days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from audience_graph.cli.options import data_dir_option, print_json, print_note
from audience_graph.config import find_connections, find_home
from audience_graph.errors import ConfigError
from audience_graph.vectors.window import WINDOW_DAYS


@click.command()
@click.option("--as-of", default=None, metavar="TIME", help="End of the window: a date (its whole day) or an ISO 8601 time. [default: now]")  # fmt: skip # noqa: E501
@click.option("--days", default=WINDOW_DAYS, show_default=True, help="Length of the window in days, 1 to 36500.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Where it runs.")  # fmt: skip # noqa: E501
@click.option("--out", required=True, metavar="FILE", help="Parquet file to write.")
@click.option("--per-user", is_flag=True, help="One row per user with arrays, instead of one per mention.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@data_dir_option
def sequences(
    as_of: str | None, days: int, engine: str, out: str, per_user: bool, as_json: bool, data_dir: str | None
) -> None:
    """Link the loaded events to the entity dictionary and write each user's entities in time order.

    \b
    audience-graph sequences --as-of 2026-07-26 --out sequences.parquet
    audience-graph sequences --as-of 2026-07-26T12:00:00Z --engine spark --out sequences.parquet
    """
    from audience_graph.entities.dictionary import read_dictionary
    from audience_graph.graph.runner import open_runner
    from audience_graph.ingest.sequences import arrays_per_user, build_sequences, moment, start_of, write_table

    home, end = find_home(data_dir), _moment(as_of)
    start_of(moment(end), days)
    with open_runner(find_connections(home)) as runner:
        dictionary = read_dictionary(runner)
    found = build_sequences(home, dictionary, end, days=days, engine="spark" if engine == "spark" else "duckdb")
    write_table(arrays_per_user(found.table) if per_user else found.table, Path(out))
    if found.unknown_ids:
        print_note(f"{found.unknown_ids:,} entity ids of events are not in the dictionary")
    counts = {
        "as_of": end.isoformat(),
        "days": days,
        "events": found.events,
        "linked_events": found.linked_events,
        "mentions": found.table.num_rows,
        "users": found.users,
        "unknown_ids": found.unknown_ids,
        "out": out,
    }
    if as_json:
        print_json(counts)
    else:
        click.echo(
            f"{found.table.num_rows:,} mentions by {found.users:,} users in {found.linked_events:,} of "
            f"{found.events:,} events -> {out}"
        )


def _moment(text: str | None) -> datetime | date:
    if text is None:
        return datetime.now(UTC)
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--as-of {text!r} is no time", hint="write 2026-07-26 or 2026-07-26T12:00:00Z") from None
