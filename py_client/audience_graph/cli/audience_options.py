"""Options that define an audience on the command line, and the audience that they make."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from audience_graph.audience.typed import EVENT_HELP, WHERE_HELP, event_of, where_of
from audience_graph.cli.ask_options import (
    expand_options,
    expansion,
    method_option,
    pick_options,
    pick_rule,
    sentence_of,
    sentence_options,
)
from audience_graph.errors import ConfigError

if TYPE_CHECKING:
    from audience_graph.audience.audience import Audience
    from audience_graph.client import AudienceGraph

F = TypeVar("F", bound=Callable[..., Any])


def definition_options(command: F) -> F:
    """Add what defines an audience; `audience_of` makes one of it."""
    command = expand_options(pick_options(sentence_options(method_option(command))))
    for option in reversed(
        (
            click.option("--size", type=int, default=None, help="At most so many, best first. [default: 1000]"),
            click.option("--min-score", type=float, default=None, help="Only users of at least this score."),
            click.option(
                "--width",
                type=click.Choice(["narrow", "balanced", "broad"]),
                default=None,
                help="Best 1, 5 or 15 % of those who can be ranked, in place of a size.",
            ),
            click.option("--like", "like", default=None, help="Rank by likeness to the users of this audience."),
            click.option(
                "--like-users", type=click.File("r", encoding="utf-8"), default=None, help="Or to users of this file."
            ),
            click.option("--where", "where", multiple=True, help=WHERE_HELP),
            click.option("--event", "events", multiple=True, help=EVENT_HELP),
            click.option("--without-event", "without_events", multiple=True, help="The same, but leave them out."),
            click.option("--among", "among", multiple=True, help="Choose among users of this audience; repeatable."),
            click.option("--union", "unions", multiple=True, help="Add the users of this audience; repeatable."),
            click.option("--intersect", "intersects", multiple=True, help="Keep only users of this audience too."),
            click.option("--without", "without", multiple=True, help="Leave out the users of this audience."),
            click.option(
                "--definition",
                type=click.File("r", encoding="utf-8"),
                default=None,
                help="Start from this JSON file (`audience show --definition` prints one).",
            ),
        )
    ):
        command = option(command)
    return command


def audience_of(ag: AudienceGraph, phrases: tuple[str, ...], asked: dict[str, Any]) -> Audience:
    """Take the options that define an audience out of a command's arguments, and return it.

    Filters and --among narrow whom a ranking chooses from; --union, --intersect, --without are applied afterwards, in
    this order. Without phrases: all users whom the filters keep. Raises ConfigError for a filter that is none.
    """
    started = _start(ag, phrases, asked)
    filters = [where_of(text) for text in asked.pop("where")]
    filters += [event_of(text) for text in asked.pop("events")]
    filters += [ag.audiences.get(name) for name in asked.pop("among")]
    filters += [~event_of(text) for text in asked.pop("without_events")]
    found = started.where(*filters)
    for name in asked.pop("unions"):
        found = found | ag.audiences.get(name)
    for name in asked.pop("intersects"):
        found = found & ag.audiences.get(name)
    for name in asked.pop("without"):
        found = found - ag.audiences.get(name)
    return found


def _start(ag: AudienceGraph, phrases: tuple[str, ...], asked: dict[str, Any]) -> Audience:
    cut = {name: asked.pop(name) for name in ("size", "min_score", "width")}
    how: dict[str, Any] = {"method": asked.pop("method"), "sentence": sentence_of(asked), "rule": pick_rule(asked)}
    how["options"] = expansion(asked)
    file, like, seeds = asked.pop("definition"), asked.pop("like"), asked.pop("like_users")
    if sum(map(bool, (phrases, file, like, seeds))) > 1:
        raise ConfigError("pass phrases, --like, --like-users or --definition: one of them")
    if file is not None:
        return ag.audiences.from_json(_json(file))
    if like is not None:
        return ag.lookalike(ag.audiences.get(like), method=how["method"], **cut)
    if seeds is not None:
        ids = [line for line in (raw.rstrip("\r\n") for raw in seeds) if line]
        return ag.lookalike(ids, method=how["method"], **cut)
    if phrases:
        return ag.audience(phrases[0] if len(phrases) == 1 else phrases, **cut, **how)
    if any(value is not None for value in cut.values()):
        raise ConfigError("a cut needs a ranking", hint="name a phrase, --like or --like-users")
    return ag.audiences.everyone()


def _json(file: Any) -> Any:
    try:
        return json.load(file)
    except ValueError as exc:
        raise ConfigError(f"{file.name} is no JSON: {exc}") from exc
