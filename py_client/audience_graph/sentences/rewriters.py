"""Rewriters of sentences: the rules of `rewrite`, or a trained model behind the same interface.

A trained one comes from another package, through the entry point group `audience_graph.rewriters`: a function from the
folder of a run to a rewriter. `run.json` of the folder says which one made it (`kind`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from audience_graph.errors import RunError
from audience_graph.plugins import load_plugin
from audience_graph.sentences.rewrite import DAYS, Rewritten, rewrite
from audience_graph.sentences.vocabulary import Vocabulary

ENTRY_POINTS = "audience_graph.rewriters"


class SentenceRewriter(Protocol):
    """Puts sentences into the words that descriptions of the future are trained in."""

    def rewrite(
        self, sentence: str, vocabulary: Vocabulary, *, payments: Sequence[str] = (), days: int = DAYS
    ) -> Rewritten:
        """Return a sentence's plan. Raises ConfigError for an empty or endless sentence."""


class Rules:
    """The rewriter that needs no model."""

    def rewrite(
        self, sentence: str, vocabulary: Vocabulary, *, payments: Sequence[str] = (), days: int = DAYS
    ) -> Rewritten:
        """Return a sentence's plan by rules and retrieval."""
        return rewrite(sentence, vocabulary, payments=payments, days=days)


def open_rewriter(folder: Path) -> SentenceRewriter:
    """Open the rewriter of a run folder.

    Raises RunError when the folder is no finished run, ConfigError when nothing installed can open its kind.
    """
    try:
        kind = str(json.loads((folder / "run.json").read_text(encoding="utf-8"))["kind"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RunError(
            f"{folder} is no run of a rewriter: run.json is missing or damaged",
            hint="name the folder that `audience-graph train rewriter SOURCE --out RUN` wrote",
        ) from exc
    return cast("SentenceRewriter", load_plugin(ENTRY_POINTS, kind, what="rewriter")(folder))
