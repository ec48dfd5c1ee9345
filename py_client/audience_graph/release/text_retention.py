"""User-text spaces that are past: those that were published once and that none of the last ones is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audience_graph.errors import NotFoundError, ReleaseError
from audience_graph.release.user_text import retire_user_text
from audience_graph.user_text.prompts import read_prompts
from audience_graph.vectors.store import Store, Transaction

KEEP_SPACES = 2

_PUBLISHED = """
SELECT r.user_text_space AS space, max(p.id) AS last FROM publication p JOIN release r ON r.id = p.release_id
WHERE r.user_text_space IS NOT NULL GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class RetiredText:
    """The past spaces that were dropped, and by name those that stay for the prompts that were tuned in them."""

    spaces: tuple[str, ...]
    held: Mapping[str, tuple[str, ...]]


def published_spaces(tx: Transaction) -> tuple[str, ...]:
    """Return the user-text spaces that releases were published with, the last one first; dropped ones too."""
    return tuple(row["space"] for row in tx.rows(_PUBLISHED))


def retire_past_user_text(store: Store, *, keep: int = KEEP_SPACES) -> RetiredText:
    """Drop the spaces that were published, all but the last `keep`, each in a transaction of its own.

    Never the current one, one that a release that can be read names, one that was only staged, or one that prompts were
    tuned in: seeds are dear, and a prompt lasts no longer than its space.
    """
    with store.transaction(read_only=True) as tx:
        there = {row["space"] for row in tx.rows("SELECT space FROM sentence_encoder")}
        past = [space for space in published_spaces(tx)[max(1, keep) :] if space in there]
        prompts = read_prompts(tx)
    found: list[str] = []
    held: dict[str, tuple[str, ...]] = {}
    for space in past:
        tuned = tuple(one.name for one in prompts if one.space == space)
        if tuned:
            held[space] = tuned
            continue
        try:
            retire_user_text(store, space)
        except (NotFoundError, ReleaseError):  # dropped meanwhile, or a release that can be read names it
            continue
        found.append(space)
    return RetiredText(tuple(found), held)
