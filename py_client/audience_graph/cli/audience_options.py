"""Options that define an audience on the command line, and the audience that they make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

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

_WHERE = re.compile(r"\s*(?P<column>[^<>=!\s].*?)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.*)", re.DOTALL)
_KNOWN = re.compile(r"\s*(?P<column>.+?)\s+is\s+known\s*", re.IGNORECASE)
_EVENT = re.compile(r"(?P<phrase>.+?)(?::(?P<days>\d+)d)?(?::(?P<channels>[^:]+))?", re.DOTALL)
_WHERE_HELP = 'Only users with such a column: "age >= 30", "city = Lyon|Nice", "email is known"; may be repeated.'
_EVENT_HELP = 'Only users with events: "skin care:7d:buy,click" (days and channels may be left out); may be repeated.'


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
            click.option("--where", "where", multiple=True, help=_WHERE_HELP),
            click.option("--event", "events", multiple=True, help=_EVENT_HELP),
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


def where_of(text: str) -> Audience:
    """Return the audience of a filter over a column such as `age >= 30`."""
    from audience_graph.audience.audience import column

    known = _KNOWN.fullmatch(text)
    if known is not None:
        return column(known["column"]).known()
    match = _WHERE.fullmatch(text)
    if match is None or not match["value"]:
        raise ConfigError(f"{text!r} is no filter", hint=_WHERE_HELP)
    named, values = column(match["column"]), [_value(v.strip()) for v in match["value"].split("|")]
    if match["operator"] in ("=", "!="):
        found = named == values[0] if len(values) == 1 else named.one_of(*values)
        return found if match["operator"] == "=" else named.known() - found
    if len(values) > 1:
        raise ConfigError(f"{text!r} is no filter: several values go with = and !=")
    compare = {"<": named.__lt__, "<=": named.__le__, ">": named.__gt__, ">=": named.__ge__}
    return compare[match["operator"]](values[0])


def event_of(text: str) -> Audience:
    """Return the audience of a filter over events such as `skin care:7d:buy`."""
    from audience_graph.audience.audience import event

    match = _EVENT.fullmatch(text)
    if match is None or not match["phrase"].strip(": \t"):
        raise ConfigError(f"{text!r} is no filter over events", hint=_EVENT_HELP)
    channels = [c.strip() for c in (match["channels"] or "").split(",") if c.strip()]
    return event(match["phrase"].strip(), days=int(match["days"]) if match["days"] else None, channels=channels)


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


def _value(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    number = re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,2})?", text)
    if number is None:
        return text
    return float(text) if number[2] or number[3] else int(text)
