"""A sentence on its way to an audience: its plan, and where it lies among the users (FIND 4.4.1).

A `Speaker` holds what a client needs for that between requests: the dictionary as a vocabulary, and the encoder of each
space, loaded when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audience_graph.audience.ask import SentenceOptions
from audience_graph.audience.plan import Plan
from audience_graph.audience.safety.asked import sensitive_things
from audience_graph.entities.dictionary import Dictionary, read_dictionary
from audience_graph.entities.flags import flagged
from audience_graph.entities.linking import Linker
from audience_graph.entities.resolve import nearest_entities
from audience_graph.entities.text_encoder import TextEncoder
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.release.records import Release
from audience_graph.sentences.named import Named, named_in
from audience_graph.sentences.rewriters import Rules, SentenceRewriter, open_rewriter
from audience_graph.sentences.vocabulary import Found, Value, Vocabulary, entity_values
from audience_graph.user_text.encoder import SpaceEncoder
from audience_graph.user_text.prompts import find_prompt
from audience_graph.user_text.space import TextSpace, read_entities, read_map, read_space
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, storable

if TYPE_CHECKING:
    from audience_graph.entities.resolve import Encoder


class Speaker:
    """Reads sentences and brings them into user-text spaces. One per client."""

    def __init__(self, runner: Runner, encoder: Callable[[], Encoder], texts: TextEncoder, runs: Path | None) -> None:
        """Read the dictionary through `runner`, meanings by `encoder()`, words by `texts`; trained encoders lie under
        `runs`.
        """
        self._runner = runner
        self._encoder = encoder
        self._texts = texts
        self._runs = runs
        self._encoders: dict[str, SpaceEncoder] = {}
        self._rewriters: dict[str, SentenceRewriter] = {}
        self._linker = Linker(Dictionary(()))
        self._vocabulary: tuple[int, Vocabulary] | None = None

    def space(self, tx: Transaction, release: Release, name: str | None) -> TextSpace:
        """Return the space to ask in: the named one, else that of the release. Raises NotFoundError without one."""
        chosen = name if name is not None else release.user_text_space
        if chosen is None:
            raise NotFoundError(
                f"release {release.id} has no user-text space",
                hint="`audience-graph users train --small --publish` makes one; method='graph' needs none",
            )
        return read_space(tx, chosen)

    def plan(self, tx: Transaction, sentence: str, space: TextSpace | None, how: SentenceOptions) -> Plan:
        """Return the plan of a sentence, or of the prompt that it names; the rewording is told where it is asked for.

        Raises ConfigError for an empty or endless sentence, or a prompt of another space.
        """
        if not isinstance(sentence, str):
            raise ConfigError(f"a sentence is text, not {sentence!r}")
        if not storable(sentence):
            raise ConfigError("the sentence holds characters that are no text", hint="type it again")
        prompt = find_prompt(tx, sentence) if space is not None else None
        days = {} if space is None else {"days": space.horizon_days}
        payments: Sequence[str] = () if space is None else tuple(space.metrics.get("payments", ()))
        words = sentence if prompt is None else prompt.sentence
        said = self._rewriter(how.rewriter).rewrite(words, self._known(), payments=payments, **days)
        if prompt is not None and space is not None and prompt.space != space.space:
            raise ConfigError(
                f"prompt {sentence!r} was tuned in space {prompt.space}, not {space.space}",
                hint="tune it again in this space: audience-graph users tune",
            )
        missed = () if said.demand.understood or prompt is not None else said.demand.not_understood
        met = tuple(word for word, known in zip(missed, self._texts.knows(missed), strict=True) if known)
        reword = how.reword or how.rewriter is not None
        flags = flagged(self._runner, [f.value.id for f in said.demand.found if f.value.id is not None])
        asked = said.sentences if reword and said.sentences and prompt is None else (sentence,)
        return Plan(
            sentence,
            asked,
            said,
            by_meaning=met if 2 * len(met) >= len(missed) else (),
            prompt=prompt,
            text_space=None if space is None else space.space,
            sensitive=sensitive_things(words, said.demand.found, flags),
        )

    def vector(self, tx: Transaction, plan: Plan, space: TextSpace) -> Floats:
        """Return where in the space the plan's sentence lies: (d,) float64, a unit vector rounded to halfvec."""
        if plan.prompt is not None:
            found = np.asarray(plan.prompt.vector, np.float64)
        else:
            named = [named_in(plan.rewritten.demand)] * len(plan.asked)
            found = _mean(self._encode(tx, space.space, plan.asked, named))
        return np.asarray(found, np.float16).astype(np.float64)

    def encode(self, tx: Transaction, space: str, texts: Sequence[str]) -> Floats:
        """Return the unit vectors (n, d) in a space of texts of events: entities by their names."""
        self._known()
        linked = self._linker.link_all(texts)
        return self._encode(tx, space, texts, [Named(dict.fromkeys(found, 1.0)) for found in linked])

    def _encode(self, tx: Transaction, space: str, texts: Sequence[str], named: Sequence[Named]) -> Floats:
        if space not in self._encoders:
            self._encoders[space] = SpaceEncoder(read_map(tx, space), base=self._texts.encode_alone, runs=self._runs)
        found = self._encoders[space].encode(texts, named, lambda ids: read_entities(tx, space, ids))
        return np.asarray(found, np.float64)

    def _rewriter(self, folder: str | None) -> SentenceRewriter:
        if folder is None:
            return Rules()
        if folder not in self._rewriters:
            self._rewriters[folder] = open_rewriter(Path(folder))
        return self._rewriters[folder]

    def _known(self) -> Vocabulary:
        count = int(self._runner.read(load_query("schema/count_nodes"))[0]["nodes"])
        if self._vocabulary is None or self._vocabulary[0] != count:
            dictionary = read_dictionary(self._runner)
            self._linker = Linker(dictionary)
            self._vocabulary = count, Vocabulary(entity_values(dictionary), near=self._near)
        return self._vocabulary[1]

    def _near(self, phrase: str) -> Sequence[Found]:
        found = nearest_entities(self._runner, phrase, self._encoder)
        return [Found(phrase, Value(m.name, m.type, m.id), "meaning", round(m.score, 4)) for m in found]


def _mean(vectors: Floats) -> Floats:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))
