"""Ask: `resolve`, `expand`, `plan`, `target`, `explain`; each is one call of the Python client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from audience_graph.cli.ask_options import (
    expand_options,
    expansion,
    method_option,
    pick_options,
    pick_rule,
    sentence_of,
    sentence_options,
    show_query_option,
)
from audience_graph.cli.options import data_dir_option, format_options, print_json, print_rows

if TYPE_CHECKING:
    from audience_graph.answer import Answer
    from audience_graph.audience.weighing import Weighing
    from audience_graph.client import AudienceGraph

_SHOWN = 20


@contextmanager
def client(data_dir: str | None, show_query: bool, because: str | None = None) -> Iterator[AudienceGraph]:
    """Open the client that a command asks; with `show_query` everything that it runs is printed on stderr.

    `because` lets sensitive entities in.
    """
    from audience_graph.client import AudienceGraph

    with AudienceGraph.connect(data_dir) as ag:
        if show_query:
            ag = ag.traced(_tell)
        if because is not None:
            ag = ag.because(because)
        yield ag


def _tell(name: str, text: str, parameters: Any) -> None:
    click.echo(f"-- {name}\n{text.strip()}\n-- parameters: {_short(parameters)}", err=True)


def _short(parameters: Any) -> str:
    text = repr(parameters)
    return text if len(text) <= 2000 else f"{text[:2000]}... ({len(text):,} characters)"


def print_answer(
    answer: Answer, *, as_json: bool, as_csv: bool, extra: dict[str, Any] | None = None, most: int = _SHOWN
) -> None:
    """Print an answer: a table with its title and source on stderr, one JSON object, or CSV."""
    columns = answer._columns()
    if as_json:
        source = {"release": answer.release, "version": answer.version, "week": answer.week}
        print_json({**source, **(extra or {}), "rows": list(answer.rows())})
        return
    if as_csv:
        print_rows(list(answer.rows()), columns=list(columns), as_csv=True)
        return
    click.echo(f"{answer._title()}\n{answer.source}".rstrip(), err=True)
    shown = answer._shown()
    rows = [dict(zip(shown, values, strict=True)) for values in zip(*shown.values(), strict=True)]
    print_rows(rows[:most], columns=list(shown))
    if len(rows) > most:
        click.echo(f"... and {len(rows) - most:,} more rows: --csv or --json prints them all", err=True)


@click.command()
@click.argument("phrases", nargs=-1, required=True)
@click.option("--type", "types", multiple=True, help="Entities of this type only; may be repeated.")
@show_query_option
@format_options
@data_dir_option
def resolve(phrases: tuple[str, ...], types: tuple[str, ...], show_query: bool, **asked: Any) -> None:
    """Show which entities phrases mean: by id, name, alias, full text, then meaning; and which are sensitive.

    \b
    audience-graph resolve "skin care"
    audience-graph resolve spa massage --json
    """
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.resolve(phrases, types=types)
    print_answer(found, **asked)


@click.command()
@click.argument("phrases", nargs=-1, required=True)
@expand_options
@show_query_option
@format_options
@data_dir_option
def expand(phrases: tuple[str, ...], show_query: bool, **asked: Any) -> None:
    """Show the entities near phrases or ids, best first, with the path that gives each.

    \b
    audience-graph expand "skin care" --hops 2
    audience-graph expand spa massage --type service --csv
    """
    with client(asked.pop("data_dir"), show_query, asked.pop("sensitive_because")) as ag:
        near = ag.expand(phrases, options=expansion(asked))
    print_answer(near, **asked)


@click.command()
@click.argument("sentence")
@sentence_options
@show_query_option
@format_options
@data_dir_option
def plan(sentence: str, show_query: bool, **asked: Any) -> None:
    """Show what a sentence asks for before anything runs: what it names, what is unknown, what the model is told.

    \b
    audience-graph plan "people who will buy baby food for the first time"
    """
    options = sentence_of(asked)
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.plan(sentence, sentence=options)
    extra = {"asked": list(found.asked), "coverage": found.coverage, "not_understood": list(found.not_understood)}
    extra |= _weighed(found.weighing) | {"sensitive": [str(thing) for thing in found.sensitive]}
    print_answer(found, **asked, extra=extra)


@click.command()
@click.argument("phrases", nargs=-1, required=True)
@click.option("--size", type=int, default=1000, show_default=True, help="How many users, best first.")
@click.option("--min-score", type=float, default=None, help="Only users of at least this score.")
@click.option(
    "--exclude-users", type=click.File("r", encoding="utf-8"), default=None, help="File of user ids to leave out."
)
@click.option("--out", type=click.Path(dir_okay=False), default=None, help="Write to a .csv, .parquet or .jsonl file.")
@click.option("--keep-formulas", is_flag=True, help="Write CSV cells that begin with = + - @ as they are.")
@method_option
@sentence_options
@pick_options
@expand_options
@show_query_option
@format_options
@data_dir_option
def target(phrases: tuple[str, ...], size: int, show_query: bool, **asked: Any) -> None:
    """Rank all users, exactly: by the graph, by one sentence, or by both.

    By the graph: mean preference for the entities that phrases stand for. By the sentence: cosine of user and sentence.

    \b
    audience-graph target "skin care" --size 1000 --out users.parquet
    audience-graph target "people planning a family trip" --method sentence
    audience-graph target spa --top 5 --min-score 0.2 --json
    """
    from audience_graph.audience.output import check_path, write_answer

    out, keep = asked.pop("out"), asked.pop("keep_formulas")
    if out is not None:
        check_path(out)
    cut = {"min_score": asked.pop("min_score"), "exclude_users": _lines(asked.pop("exclude_users"))}
    rule, options, sentence = pick_rule(asked), expansion(asked), sentence_of(asked)
    with client(asked.pop("data_dir"), show_query, asked.pop("sensitive_because")) as ag:
        how = {"method": asked.pop("method"), "sentence": sentence}
        best = ag.target(_asked(phrases), size, rule=rule, options=options, **how, **cut)
    if best.plan is not None:
        click.echo("\n".join(best.plan.lines()), err=True)
    if best.picked:
        names = ", ".join(p.name for p in best.picked[:10]) + (" ..." if len(best.picked) > 10 else "")
        click.echo(f"picked {len(best.picked)} entities: {names}", err=True)
    if out is None:
        extra = {
            "method": best.method,
            "text_space": best.text_space,
            "plan": None if best.plan is None else best.plan.lines(),
            "note": best.note,
            **_weighed(best.weighing),
            "eligible": best.eligible,
            "score_at_cut": best.score_at_cut,
            "picked": [{"id": p.id, "name": p.name, "relevance": p.relevance, "path": p.path} for p in best.picked],
            "without_vector": list(best.without_vector),
        }
        print_answer(best, **asked, extra=extra)
        return
    written = write_answer(best, out, keep_formulas=keep)
    click.echo(f"{best._title()}\n{best.source}\nwrote {written.rows:,} rows to {written.path}", err=True)
    if written.escaped:
        click.echo(f"{written.escaped:,} cells that a spreadsheet would run got a leading apostrophe", err=True)


@click.command()
@click.argument("user")
@click.argument("phrases", nargs=-1, required=True)
@method_option
@sentence_options
@pick_options
@expand_options
@show_query_option
@format_options
@data_dir_option
def explain(user: str, phrases: tuple[str, ...], show_query: bool, **asked: Any) -> None:
    """Show why a user has their score: phrase, path, entity, own events, and shares that add up.

    \b
    audience-graph explain u123 "skin care"
    audience-graph explain u123 "people planning a family trip" --method sentence
    """
    rule, options, sentence = pick_rule(asked), expansion(asked), sentence_of(asked)
    with client(asked.pop("data_dir"), show_query, asked.pop("sensitive_because")) as ag:
        how = {"method": asked.pop("method"), "sentence": sentence}
        why = ag.explain(user, _asked(phrases), rule=rule, options=options, **how)
    extra = {"user_id": why.user_id, "score": why.score, "rounding": why.rounding, "note": why.note}
    extra |= _weighed(why.weighing)
    print_answer(why, **asked, extra=extra)


def _weighed(found: Weighing | None) -> dict[str, Any]:
    return {} if found is None else {"graph_weight": found.weight, "graph_weight_from": found.told}


def _asked(phrases: tuple[str, ...]) -> str | tuple[str, ...]:
    """Return one phrase as the text that it is: it may be a sentence."""
    return phrases[0] if len(phrases) == 1 else phrases


def _lines(file: Any) -> tuple[str, ...]:
    return () if file is None else tuple(line for line in (raw.rstrip("\r\n") for raw in file) if line)
