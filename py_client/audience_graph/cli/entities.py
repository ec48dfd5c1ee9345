"""`audience-graph entities`: the dictionary, what it lacks, what of it is sensitive."""

from __future__ import annotations

import click

from audience_graph.cli.options import data_dir_option, format_options, print_json, print_rows
from audience_graph.cli.sensitive import sensitive
from audience_graph.config import find_connections, find_home


@click.group()
def entities() -> None:
    """Look at the entity dictionary, at what it lacks, and at what of it is sensitive."""


entities.add_command(sensitive)


@entities.command()
@click.option("--min-count", default=2, show_default=True, type=click.IntRange(1), help="Fewest events that name it.")
@format_options
@data_dir_option
def proposals(min_count: int, as_json: bool, as_csv: bool, data_dir: str | None) -> None:
    """List what taggers found in loaded events and no entity of the dictionary fits, most often named first.

    The CSV is a file of entities: read it over, keep what is one, and load it; columns that entities do not have are
    ignored. What is a name or an alias in the dictionary is listed no more.

    \b
    audience-graph load events visits.parquet --tagger tagger
    audience-graph entities proposals --min-count 5
    audience-graph entities proposals --csv > new_entities.csv
    audience-graph load entities new_entities.csv
    """
    from audience_graph.entities.dictionary import read_dictionary
    from audience_graph.graph.runner import open_runner
    from audience_graph.ingest.proposals import COLUMNS, read_proposals

    home = find_home(data_dir)
    with open_runner(find_connections(home)) as runner:
        dictionary = read_dictionary(runner)
    found = read_proposals(home, dictionary, least_events=min_count)
    if as_json:
        near = ("id", "name", "score")
        print_json(
            [
                p.row() | {"examples": p.examples, "nearest": [dict(zip(near, n, strict=True)) for n in p.nearest]}
                for p in found
            ]
        )
    else:
        print_rows([p.row() for p in found], columns=COLUMNS, as_csv=as_csv)
