"""`audience-graph results`: load, report, entities, suggest, follow, learn."""

from __future__ import annotations

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import F, data_dir_option, format_options, print_json, print_note


@click.group()
def results() -> None:
    """Take in what came of an export, report it, and learn from it.

    ABOUT is an audience, which stands for its newest export with results, or the number of an export. No number is
    shown of fewer than 100 users, counts are rounded to 10, and intervals (95 %) allow for the rounding.

    \b
    audience-graph results load clicks.csv --export 7
    audience-graph results report spring
    audience-graph results learn spring --dry-run
    """


def _about(command: F) -> F:
    return click.argument("about", metavar="ABOUT")(command)


def asked(about: str) -> str | int:
    """Return an export's number where the text is one, else the audience's name."""
    return int(about) if about.isascii() and about.isdigit() else about


@results.command()
@click.argument("file")
@click.option("--export", "export", required=True, type=click.IntRange(min=1), help="Number of the export.")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=NAME", help="The file calls COLUMN by NAME. Repeatable.")
@click.option("--reject-to", default=None, metavar="FILE", help="Load the good rows; write the bad ones to this .csv or .jsonl.")  # fmt: skip # noqa: E501
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@data_dir_option
def load(
    file: str, export: int, pairs: tuple[str, ...], reject_to: str | None, as_json: bool, data_dir: str | None
) -> None:
    """Load FILE (CSV, JSON lines or Parquet): results per user or per arm. Nothing is loaded when a row is bad.

    The same file again changes nothing; another one replaces what it tells anew, user by user or arm by arm.

    \b
    per user  user_id, exposures, clicks, conversions, time; a column that is not given counts 0
              or a row for each happening: user_id, kind (exposure, click or conversion), time
    per arm   arm, users, exposures, clicks, conversions, time; all of them numbers of users

    Users who were not in the export are bad rows. Those of the holdout may convert: that is how lift is measured.
    """
    from audience_graph.ingest.mapping import parse_options
    from audience_graph.ingest.reading import LoadOptions

    options = LoadOptions(mapping=parse_options(pairs), reject_to=reject_to)
    with client(data_dir, False) as ag:
        found = ag.results.load(file, export, options=options)
    for note in found.notes:
        print_note(note)
    if found.rejected:
        click.echo(f"{found.rejected:,} bad {'row' if found.rejected == 1 else 'rows'} -> {reject_to}", err=True)
    if as_json:
        print_json(found.to_dict())
        return
    click.echo(
        f"results of export {found.export} ({found.audience}): {found.read:,} rows read, {found.told:,} {found.per}s "
        f"told, {found.written:,} written, {found.unchanged:,} unchanged, {found.rejected:,} rows rejected"
    )


@results.command()
@_about
@data_dir_option
@format_options
def report(about: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Report exposures, conversions, conversion rate, lift over the holdout and running time, for each export and arm.

    Without a holdout no lift is claimed. `seconds` from phrase to saved audience, `days` from export to last result.
    """
    with client(data_dir, False) as ag:
        print_answer(ag.results.report(asked(about)), as_json=as_json, as_csv=as_csv)


@results.command()
@_about
@data_dir_option
@format_options
def entities(about: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show how each picked entity did: the users whom it leads in, beside all who were sent.

    Leading is the picked entity with the largest part of a user's score. `q` allows for the number of entities that
    are compared (Benjamini-Hochberg).
    """
    with client(data_dir, False) as ag:
        print_answer(ag.results.entities(asked(about)), as_json=as_json, as_csv=as_csv)


@results.command()
@_about
@data_dir_option
@format_options
def suggest(about: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Suggest entities that were not picked, surest first, at most 20.

    Those who prefer such an entity most surely converted more often than users of like score; `lift` is their
    conversions over what was to be expected of them. `q` allows for the number of all entities.
    """
    with client(data_dir, False) as ag:
        found = ag.results.suggest(asked(about))
    for line in found.lines():
        click.echo(line, err=True)
    print_answer(found, as_json=as_json, as_csv=as_csv)


@results.command()
@_about
@click.option("--count", default=5, show_default=True, type=click.IntRange(min=1), help="How many, surest first.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="This suggested entity instead. Repeatable.")
@click.option("--note", default="", help="Why; kept with each relation.")
@data_dir_option
@format_options
def follow(
    about: str, count: int, ids: tuple[str, ...], note: str, data_dir: str | None, as_json: bool, as_csv: bool
) -> None:
    """Confirm what `suggest` shows: relations from the phrase's own entity to it, at once and in each later week."""
    with client(data_dir, False) as ag:
        found = ag.results.follow(asked(about), count=count, ids=ids, note=note)
    print_answer(found, as_json=as_json, as_csv=as_csv)


@results.command()
@_about
@click.option("--dry-run", is_flag=True, help="Show what would be decided; decide nothing.")
@data_dir_option
@format_options
def learn(about: str, dry_run: bool, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Confirm relations that lead to entities whose users surely did better, reject those to surely bad ones.

    Better than all who were sent; bad is worse than those whom the ranking hardly let in (`worse` in `entities`).

    What a marketer decided stays. The graph is told which entities were picked and how they did.
    """
    with client(data_dir, False) as ag:
        found = ag.results.learn(asked(about), dry_run=dry_run)
    print_answer(found, as_json=as_json, as_csv=as_csv)
