"""The grammar-based ARALLM: rules read the sentence, so no weights are needed; it is named `arallm_grammar` for that.

The reader is that of the product, `audience_graph.sentences.demand`: names and meanings of tags, and verbs.
"""

from __future__ import annotations

import numpy as np

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.text import normalise
from audience_graph.sentences.demand import read_demand
from audience_graph.sentences.vocabulary import Vocabulary
from audience_trainers.users.baselines.arallm.query import TagQuery
from audience_trainers.users.baselines.arallm.tags import Tags, read_tags
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.source import open_folder
from audience_trainers.users.tasks.history import History
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.texts import Encode, encode_with

MOST_VALUES = 20_000  # things that a phrase is compared with by meaning, the commonest


def prepare_arallm_grammar(history: History, options: Options) -> Scorer:
    """Return a scorer: how well a user's tags meet the query that rules read from the sentence.

    Where nothing of a sentence is known, the most active users come first.
    """
    tags = tags_of(history, options)
    vocabulary = vocabulary_of(tags, options.encode if options.encode is not None else encode_with(options.cache))

    def score(asked: Asked) -> Values:
        return tags.score(read_query(asked.sentence, vocabulary))

    return score


def tags_of(history: History, options: Options) -> Tags:
    """Return the tags of a cut, read once for all rows."""

    def read() -> Tags:
        if not len(history.user):  # columns alone: there is no file of events to open
            return read_tags(history, Dictionary(()), history.row)
        with open_folder(options.folder) as source:
            dictionary = source.dictionary
        sql = "SELECT row FROM events WHERE t < $1 AND (len(items) > 0 OR len(entity_ids) > 0)"
        listed = open_source(options.folder).column(sql, [history.cut])
        return read_tags(history, dictionary, np.array(listed, np.int64))

    return options.shared.once("tags", read)


def vocabulary_of(tags: Tags, encode: Encode) -> Vocabulary:
    """Return the tags as what a sentence may name, the commonest things first."""
    values = sorted(tags.values(), key=lambda value: (-value.weight, value.text))
    return Vocabulary(values[:MOST_VALUES], encode=encode)


def read_query(sentence: str, vocabulary: Vocabulary) -> TagQuery:
    """Return the query that rules read from a sentence; an empty one where nothing is known."""
    demand = read_demand(sentence, vocabulary)
    values = [found.value for found in demand.found]
    things = tuple(normalise(value.text) for value in values if value.kind == "thing")
    profile = [(value.id or "").partition("=") for value in values if value.kind == "profile"]
    return TagQuery(things, demand.families, tuple((column, word) for column, _, word in profile))
