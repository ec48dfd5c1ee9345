"""ARALLM with a causal language model: prompted with like examples, or fine-tuned on questions and their queries.

As published: a library of examples, of which those most like the demand stand in the prompt (analogical reasoning), and
a smaller model fine-tuned on demands with their queries. Ours: the library is mined from what users did before the cut
(the questions of `users/rewriter/intents.py`), likeness is the cosine of MiniLM, and a thing that no user holds is
replaced by the tags nearest to it in meaning. An answer that is no query selects by activity alone. The model is any
Hugging Face folder, `--set arallm.folder=FOLDER`; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from audience_graph.entities.text import normalise
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.vocabulary import Vocabulary
from audience_trainers.run import choose_device, resolve_config
from audience_trainers.settings import Range, check_ranges
from audience_trainers.users.baselines.arallm.grammar import tags_of, vocabulary_of
from audience_trainers.users.baselines.arallm.query import TagQuery, parse_query
from audience_trainers.users.baselines.arallm.tags import Tags
from audience_trainers.users.histories import read_histories
from audience_trainers.users.measures import Values
from audience_trainers.users.pairs.build import PairsConfig, build_pairs
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.rewriter.causal import CausalModel, open_causal
from audience_trainers.users.rewriter.config import StageConfig
from audience_trainers.users.rewriter.intents import IntentOptions, mine_intents
from audience_trainers.users.rewriter.talk import Turn
from audience_trainers.users.rewriter.tune import tune
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.source import open_folder, seconds_of
from audience_trainers.users.tasks.history import History
from audience_trainers.users.text_tower.architecture import with_lora
from audience_trainers.users.texts import Encode, encode_with
from audience_trainers.users.training import TrainOptions

LIMIT = 160  # tokens of an answer
_RANGES = {"examples": Range(0, 1_000), "rank": Range(1, 4_096), "alpha": Range(1e-3, 10_000),
           "max_tokens": Range(8, 131_072), "held_out": Range(0.001, 0.9)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArallmConfig:
    """Resolved settings; `stage.examples` is the size of the library. Raises ConfigError for a value out of range."""

    folder: str = ""
    examples: int = 4  # in the prompt
    rank: int = 16
    alpha: float = 32.0
    max_tokens: int = 256  # of a question with its query, in fine-tuning
    held_out: float = 0.1
    device: str = "auto"
    stage: StageConfig = field(default_factory=StageConfig)

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)


def prepare_arallm(history: History, options: Options) -> Scorer:
    """Return a scorer: users by the query that the prompted model writes."""
    config = resolve_config(ArallmConfig, options.own("arallm"))
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    tags, library = tags_of(history, options), library_of(history, options, config.stage.examples)
    causal = open_causal(Path(config.folder))
    causal.model.to(choose_device(config.device))
    near = _Nearest(library, encode)

    def ask(sentence: str) -> str:
        return prompt(sentence, near.like(sentence, config.examples), tags.columns)

    return _scorer(causal, tags, vocabulary_of(tags, encode), ask)


def prepare_arallm_tuned(history: History, options: Options) -> Scorer:
    """Return a scorer: users by the query that the fine-tuned model writes; it is asked as it was trained."""
    config = resolve_config(ArallmConfig, options.own("arallm"))
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    tags, library = tags_of(history, options), library_of(history, options, config.stage.examples)
    told = TrainOptions(device=choose_device(config.device), progress=options.progress)
    causal = fine_tune(open_causal(Path(config.folder)), library, config, told)
    return _scorer(causal, tags, vocabulary_of(tags, encode), lambda sentence: prompt(sentence, (), ()))


def library_of(history: History, options: Options, count: int) -> list[Turn]:
    """Return demands with their queries, of windows that end before the cut; read once for all rows."""

    def read() -> list[Turn]:
        with open_folder(options.folder) as source:
            past = replace(source, events=source.events.filter(seconds_of(source.events.time) < history.cut))
            pairs = build_pairs(past, read_histories(past), PairsConfig(windows=WindowConfig(test_cuts=0)))
            names = {entity.name: entity.aliases for entity in source.dictionary.entities if entity.aliases}
        mined = mine_intents(pairs.facts, count, IntentOptions(names), np.random.default_rng([7, 71]))
        found = []
        for intent in mined:
            things = tuple(dict.fromkeys(normalise(value) for value in intent.said.values))
            if things:
                found.append(Turn(intent.question, str(TagQuery(things, (intent.said.family,)))))
        return found

    return options.shared.once("library", read)


def prompt(sentence: str, examples: Sequence[Turn], columns: Sequence[str]) -> str:
    """Return what the model is asked: the language in two lines, examples, the demand."""
    keys = ", ".join(("thing", "behaviour", *columns))
    lines = [f"Write the demand as a query. Keys: {keys}. Behaviours: {', '.join(FAMILIES)}."]
    lines += [f"Demand: {example.question}\nQuery: {example.answer}" for example in examples]
    return "\n".join([*lines, f"Demand: {sentence}\nQuery:"])


def fine_tune(causal: CausalModel, library: Sequence[Turn], config: ArallmConfig, options: TrainOptions) -> CausalModel:
    """Return the model with LoRA learned from the library and merged. Raises ConfigError for an empty library."""
    talks = [(Turn(prompt(turn.question, (), ()), turn.answer),) for turn in library]
    order = np.random.default_rng([options.seed, 72]).permutation(len(talks))
    held = max(1, round(config.held_out * len(talks)))
    torch.manual_seed(options.seed)
    model = with_lora(causal.model, targets="all", rank=config.rank, alpha=config.alpha, dropout=0.0)
    learning = replace(causal, model=model)
    parts = [talks[i] for i in order[held:]], [talks[i] for i in order[:held]]
    tune(learning, "arallm", *parts, limit=config.max_tokens, config=config.stage, options=options)
    return replace(causal, model=model.merge_and_unload())


def read_answer(answer: str, tags: Tags, vocabulary: Vocabulary) -> TagQuery:
    """Return the query in the first line of an answer, its things as tags that users hold; an empty one for others."""
    query = parse_query(answer.strip().partition("\n")[0].strip(), tags.columns)
    if query is None:
        return TagQuery()
    things: list[str] = []
    for thing in query.things:
        near = [] if thing in tags.place else [found.value for found in vocabulary.nearest(thing)]
        things += [thing] if thing in tags.place else [normalise(v.text) for v in near if v.kind == "thing"]
    return replace(query, things=tuple(dict.fromkeys(things)))


class _Nearest:
    """The demands of a library by meaning."""

    def __init__(self, library: Sequence[Turn], encode: Encode) -> None:
        self._library, self._encode = library, encode
        self._vectors = encode([turn.question for turn in library]) if library else np.zeros((0, 1), np.float32)

    def like(self, sentence: str, count: int) -> list[Turn]:
        """Return the demands nearest to a sentence, the nearest one last."""
        if not self._library or not count:
            return []
        cosine = self._vectors @ self._encode([sentence])[0]
        return [self._library[i] for i in np.argsort(-cosine, kind="stable")[:count][::-1]]


def _scorer(causal: CausalModel, tags: Tags, vocabulary: Vocabulary, ask: Callable[[str], str]) -> Scorer:
    kept: dict[str, Values] = {}

    def score(asked: Asked) -> Values:
        if asked.sentence not in kept:
            answer = causal.answer([ask(asked.sentence)], limit=LIMIT)[0]
            kept[asked.sentence] = tags.score(read_answer(answer, tags, vocabulary))
        return kept[asked.sentence]

    return score
