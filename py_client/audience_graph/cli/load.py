"""`audience-graph load`: files of entities, events, users and text, checked and stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from audience_graph.cli.options import data_dir_option, print_json, print_note
from audience_graph.config import find_home
from audience_graph.errors import ConfigError
from audience_graph.ingest.report import LoadReport, MentionCounts, Progress


@click.command()
@click.argument("what", type=click.Choice(["entities", "events", "users", "corpus"]))
@click.argument("file")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=NAME", help="The file calls COLUMN by NAME. Repeatable.")
@click.option(
    "--config", default=None, metavar="FILE", help="TOML file with such pairs, under [entities], [events] ..."
)
@click.option("--reject-to", default=None, metavar="FILE", help="Load the good rows; write the bad ones to this .csv or .jsonl.")  # fmt: skip # noqa: E501
@click.option("--tagger", default=None, type=click.Path(path_type=Path), metavar="CHECKPOINT", help="events: link what this tagger finds in their texts.")  # fmt: skip # noqa: E501
@click.option("--tag-type", "tag_types", multiple=True, metavar="TAG=TYPE", help="The tagger's TAG stands for entities of TYPE only. Repeatable.")  # fmt: skip # noqa: E501
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@data_dir_option
def load(
    what: str,
    file: str,
    pairs: tuple[str, ...],
    config: str | None,
    reject_to: str | None,
    tagger: Path | None,
    tag_types: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Check FILE (CSV, JSON lines or Parquet) and store its rows. Nothing is stored when a row is bad.

    Loading a file twice changes nothing. Times without a zone are UTC. Links are followed to regular files only.

    \b
    entities  id, name, type; aliases, description, sensitive
    events    user_id, time, channel, text; event_id, entity_ids, items, merchant, category, amount,
              status, payment_channel
    users     user_id; as_of, consent_<purpose> ..., any other column
    corpus    text; doc_id, entity_ids

    With --tagger (a folder of `train tagger`), new events without entity_ids get the entities that their text mentions:
    by name, by alias, else by meaning when one is clearly nearest. The dictionary's names are found in texts with or
    without a tagger; an event has what either finds. `entities proposals` lists mentions that no entity fits.

    \b
    audience-graph load entities entities.csv
    audience-graph load events visits.parquet --map user_id=customer --map time=visited_at
    audience-graph load events visits.parquet --tagger tagger --tag-type ACTOR=person
    audience-graph load users users.jsonl --reject-to bad_users.jsonl
    """
    from audience_graph.entities.mention_linking import LinkOptions
    from audience_graph.ingest.load import TaggerOptions
    from audience_graph.ingest.load import load as run
    from audience_graph.ingest.mapping import parse_options, read_mapping
    from audience_graph.ingest.reading import LoadOptions

    mapping = (read_mapping(Path(config), what) if config is not None else {}) | parse_options(pairs)
    linking = LinkOptions(types=_types(tag_types))
    with _progress_bars(file) as (progress, tagged):
        options = LoadOptions(mapping=mapping, reject_to=reject_to, dry_run=dry_run, progress=progress)
        chosen = None if tagger is None else TaggerOptions(tagger, linking, tagged)
        report = run(what, file, home=find_home(data_dir), options=options, tagger=chosen)
    _tell(report, reject_to)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo(_sentence(report))


def _tell(report: LoadReport, reject_to: str | None) -> None:
    """Say beside the answer what was noticed, found in texts, and left out."""
    for note in report.notes:
        print_note(note)
    if report.mentions is not None:
        click.echo(_mentions(report.mentions), err=True)
    if report.rejected and not report.dry_run:
        click.echo(f"{report.rejected:,} bad {'row' if report.rejected == 1 else 'rows'} -> {reject_to}", err=True)


def _types(pairs: tuple[str, ...]) -> dict[str, str]:
    types = {}
    for pair in pairs:
        tag, sign, kind = pair.partition("=")
        if not (tag and sign and kind):
            raise ConfigError(f"--tag-type {pair!r} is not of the form TAG=TYPE")
        types[tag] = kind
    return types


def _mentions(counts: MentionCounts) -> str:
    return (
        f"{counts.found:,} mentions found, {counts.linked:,} linked to entities, {counts.proposed:,} that none fits "
        "(list them: audience-graph entities proposals)"
    )


def _sentence(report: LoadReport) -> str:
    did = "would be written" if report.dry_run else "written"
    return (
        f"{report.what}: {report.read:,} rows read, {report.written:,} {did}, {report.unchanged:,} unchanged, "
        f"{report.rejected:,} rejected in {report.seconds:.1f} s ({report.rate:,.0f} rows/s)"
    )


@contextmanager
def _progress_bars(file: str) -> Iterator[tuple[Progress, Progress]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"reading {Path(file).name}", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        def show_tagged(done: int, total: int) -> None:
            bar.update(task, description="tagging texts", completed=done, total=total)

        yield show, show_tagged
