"""Options that the commands that ask have in common, and the values that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from audience_graph.audience.ask import SentenceOptions
    from audience_graph.audience.pick import PickRule
    from audience_graph.graph.expansion import ExpandOptions

F = TypeVar("F", bound=Callable[..., Any])


method_option = click.option(
    "--method",
    type=click.Choice(["graph", "sentence", "both"]),
    default=None,
    help="How to rank. [default: both, where the release has a user-text space, else graph]",
)


def show_query_option(command: F) -> F:
    """Add `--show-query`."""
    return click.option(
        "--show-query", is_flag=True, help="Print on stderr each query that runs, with its parameters."
    )(command)


sensitive_option = click.option(
    "--sensitive-because",
    default=None,
    metavar="REASON",
    help="Let sensitive entities in, for this reason; it is written to the audit log.",
)


def expand_options(command: F) -> F:
    """Add the options of an expansion; `expansion` makes one value of them. The reason is the client's."""
    for option in reversed(
        (
            click.option("--hops", type=int, default=2, show_default=True, help="How many relations away, 1 to 4."),
            click.option(
                "--min-relevance", type=float, default=0.05, show_default=True, help="Drop entities under it, 0 to 1."
            ),
            click.option("--fan-out", type=int, default=50, show_default=True, help="Best relations per entity."),
            click.option(
                "--damping", type=float, default=0.0, show_default=True, help="How much hubs are damped, 0 to 1."
            ),
            click.option("--limit", type=int, default=1000, show_default=True, help="How many entities, best first."),
            click.option("--type", "types", multiple=True, help="Entities of this type only; may be repeated."),
            click.option("--reverse", is_flag=True, help="Walk relations from target to source."),
            click.option("--week", default=None, help="ISO week of a kept release, e.g. 2026-W30. [default: current]"),
            sensitive_option,
        )
    ):
        command = option(command)
    return command


def pick_options(command: F) -> F:
    """Add the options that pick entities out of an expansion; `pick_rule` makes one value of them."""
    for option in reversed(
        (
            click.option("--top", type=int, default=20, show_default=True, help="Pick at most so many, besides seeds."),
            click.option(
                "--pick-relevance", type=float, default=0.3, show_default=True, help="Pick none under this relevance."
            ),
            click.option("--pick", "picked", multiple=True, help="Pick exactly these entity ids; may be repeated."),
            click.option(
                "--weights",
                type=click.Choice(["relevance", "plain"]),
                default="relevance",
                show_default=True,
                help="Weigh picked entities by relevance, or all the same.",
            ),
        )
    ):
        command = option(command)
    return command


def sentence_options(command: F) -> F:
    """Add the options of a sentence; `sentence_of` makes one value of them."""
    for option in reversed(
        (
            click.option("--reword", is_flag=True, help="Tell the model the sentence in the words of its training."),
            click.option(
                "--rewriter",
                type=click.Path(exists=True, file_okay=False),
                default=None,
                help="Reword by the language model of this run of `train rewriter`, in place of the rules.",
            ),
            click.option("--guess", is_flag=True, help="Rank although nothing in the sentence is known."),
            click.option("--text-space", default=None, help="User-text space to ask in. [default: the release's]"),
            click.option(
                "--graph-weight",
                type=float,
                default=None,
                help="Of the graph in `both`, 0 to 1. [default: fitted for the space, else 0.6]",
            ),
            click.option("--keep-seeds", is_flag=True, help="Choose seed users of a prompt too."),
            click.option("--shortlist", is_flag=True, help="By the sentence: faster over many users, nearly exact."),
        )
    ):
        command = option(command)
    return command


def sentence_of(asked: dict[str, Any]) -> SentenceOptions:
    """Take the options of a sentence out of a command's arguments."""
    from audience_graph.audience.ask import SentenceOptions

    space, rewriter, weight = (asked.pop(name) for name in ("text_space", "rewriter", "graph_weight"))
    flags = {name: asked.pop(name) for name in ("reword", "guess", "keep_seeds", "shortlist")}
    return SentenceOptions(space=space, rewriter=rewriter, graph_weight=weight, **flags)


def expansion(asked: dict[str, Any]) -> ExpandOptions:
    """Take the options of an expansion out of a command's arguments."""
    from audience_graph.graph.expansion import ExpandOptions

    names = ("hops", "min_relevance", "fan_out", "damping", "limit", "types", "reverse", "week")
    return ExpandOptions(**{name: asked.pop(name) for name in names})


def pick_rule(asked: dict[str, Any]) -> PickRule:
    """Take the options of a pick out of a command's arguments."""
    from audience_graph.audience.pick import PickRule

    return PickRule(asked.pop("top"), asked.pop("pick_relevance"), asked.pop("weights"), asked.pop("picked"))
