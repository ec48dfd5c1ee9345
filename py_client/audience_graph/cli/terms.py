"""Options of every command that publishes: gates, and the reason to go past them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from audience_graph.release.gates import Terms, parse_gates

F = TypeVar("F", bound=Callable[..., Any])


def terms_options(command: F) -> F:
    """Add `--gate`, `--force` and `--reason`; the command receives `gate`, `force` and `reason` for `terms_of`."""
    command = click.option("--reason", help="Why, with --force; kept with the publication.")(command)
    command = click.option("--force", is_flag=True, help="Publish a version that a gate refuses; needs --reason.")(
        command
    )
    return click.option(
        "--gate",
        multiple=True,
        metavar="NAME=LIMIT",
        envvar="AUDIENCE_GRAPH_GATES",
        help="How much worse than the current version: auc_drop=0.01, relation_change=0.5, coverage_drop=0.1; "
        "`off` for none. May be repeated.",
    )(command)


def terms_of(gate: tuple[str, ...], force: bool, reason: str | None) -> Terms:
    """Return on which terms to publish. Raises ConfigError for a bad gate, UsageError for a force without a reason."""
    if force != bool(reason and reason.strip()):
        raise click.UsageError("--force and --reason TEXT go together: the reason is kept with the publication")
    return Terms(parse_gates(gate), reason)
