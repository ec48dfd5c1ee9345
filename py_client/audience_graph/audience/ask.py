"""One question to the client: what was typed, by which method it is answered, and how a sentence is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from audience_graph.audience.pick import PickRule
from audience_graph.audience.target import Cut, Method
from audience_graph.errors import ConfigError
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.release.records import Release

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class SentenceOptions:
    """How a sentence is asked.

    `reword`: tell the model the sentence in the words of its training, by rules; `rewriter`: by the language model of
    this run folder, which rewords too. `guess`: rank although nothing in the sentence is known. `space`: a user-text
    space, or the run that made it, in place of the release's. `graph_weight`: of the graph's ranks, 0 to 1, where both
    are fused; None = what was fitted for the space, else .6. `keep_seeds`: seed users of a prompt may be chosen too.
    `shortlist`: rank by the sentence through a shortlist of twice the size: faster over many users, nearly the same
    members.
    """

    reword: bool = False
    guess: bool = False
    space: str | None = None
    graph_weight: float | None = None
    keep_seeds: bool = False
    shortlist: bool = False
    rewriter: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: what was typed, and how it is answered."""

    phrases: str | Sequence[str]
    cut: Cut = field(default_factory=Cut)
    method: Method | None = None
    options: ExpandOptions = field(default_factory=ExpandOptions)
    rule: PickRule | None = None
    sentence: SentenceOptions = field(default_factory=SentenceOptions)

    def __post_init__(self) -> None:
        if self.method is not None and self.method not in METHODS:
            raise ConfigError(f"method is one of {', '.join(METHODS)}, not {self.method!r}")

    @property
    def listed(self) -> tuple[str, ...]:
        """What was typed, as a tuple."""
        return (self.phrases,) if isinstance(self.phrases, str) else tuple(self.phrases)

    @property
    def said(self) -> str:
        """What was typed, as one sentence."""
        return self.phrases if isinstance(self.phrases, str) else " or ".join(map(str, self.phrases))

    def way(self, release: Release) -> Method:
        """Return the method, chosen by what the release has where none is named."""
        if self.method is not None:
            return self.method
        return "both" if release.user_text_space is not None or self.sentence.space is not None else "graph"
