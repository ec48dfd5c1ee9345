"""What every door says of a seed that it cannot start from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from audience_graph.errors import NotFoundError, SensitiveError


def check_seeds(seeds: Sequence[str], *, known: Collection[str], sensitive: Collection[str]) -> None:
    """Raise NotFoundError for seeds that are not `known`, SensitiveError for those that are `sensitive`."""
    refuse_missing([seed for seed in seeds if seed not in set(known)])
    refuse_sensitive([seed for seed in seeds if seed in set(sensitive)])


def refuse_missing(missing: Sequence[str]) -> None:
    """Raise NotFoundError, naming them, when seeds are no entity's id."""
    if missing:
        raise NotFoundError(
            f"no entity has the id {', '.join(map(repr, missing))}", hint="`audience-graph resolve` finds ids by name"
        )


def refuse_sensitive(sensitive: Sequence[str]) -> None:
    """Raise SensitiveError, naming them, when seeds are sensitive and that is not allowed."""
    if sensitive:
        raise SensitiveError(f"sensitive: {', '.join(map(repr, sensitive))}", ids=sensitive)
