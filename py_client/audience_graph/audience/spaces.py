"""Compare two user-text spaces, published or only staged, over sentences that are given or that a home suggests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audience_graph.audience.ask import SentenceOptions
from audience_graph.audience.compare import Change, ComparedSpace, Comparison, compare_audiences
from audience_graph.audience.disclosure import MINIMUM_SIZE, shown
from audience_graph.audience.safety.asked import check_things
from audience_graph.audience.sentence import Speaker
from audience_graph.audience.target import MOST
from audience_graph.entities.dictionary import read_some
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.runner import Runner
from audience_graph.release.records import Release
from audience_graph.request import Request
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.user_text.graph_weight import read_weight
from audience_graph.user_text.prompts import read_prompts
from audience_graph.user_text.space import TextSpace, count_users, read_space
from audience_graph.vectors.store import Transaction, identifier
from audience_graph.vectors.topk import all_scores, user_ids_of

SUGGESTED = 10  # entities that sentences are suggested about


@dataclass(frozen=True, slots=True)
class Beside:
    """What is compared: two spaces by name or run, sentences (none = those that the home suggests), audience size."""

    a: str
    b: str
    sentences: tuple[str, ...] = ()
    size: int = 1000
    options: SentenceOptions = field(default_factory=SentenceOptions)

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int) or not MINIMUM_SIZE <= self.size <= MOST:
            raise ConfigError(
                f"size must be a whole number from {MINIMUM_SIZE} to {MOST:,}, not {self.size!r}",
                hint=f"of an audience under {MINIMUM_SIZE} users no number is shown",
            )


def compare_spaces(request: Request, speaker: Speaker, runner: Runner, beside: Beside) -> Comparison:
    """Return the comparison: all users of both spaces are scored for each sentence.

    Raises NotFoundError for an unknown space, a sentence of which nothing is known (unless a guess is asked for), or
    where there is nothing to suggest a sentence from; ConfigError for a space compared with itself; SensitiveError for
    a sentence about something sensitive.
    """
    tx = request.tx
    a, b = (read_space(tx, name) for name in (beside.a, beside.b))
    if a.space == b.space:
        raise ConfigError(f"space {a.space} beside itself", hint="`audience-graph users list` names the others")
    sentences = tuple(dict.fromkeys(beside.sentences))
    if not sentences:
        said = suggested_sentences(tx, runner, request.read)
        sentences = tuple(s for s in said if not speaker.plan(tx, s, a, beside.options).sensitive)
        beside = replace(beside, options=replace(beside.options, guess=True))  # a name may hold no word at all
    changes = [_named(tx, _change(tx, speaker, sentence, (a, b), beside)) for sentence in sentences]
    return Comparison(_compared(tx, a), _compared(tx, b), beside.size, tuple(changes), **request.read.source)


def suggested_sentences(tx: Transaction, runner: Runner, release: Release) -> tuple[str, ...]:
    """Return demands about the entities that most users met, each of another family of templates, and what prompts say.

    Sensitive entities are left out. Raises NotFoundError where neither is there.
    """
    table = identifier(f"entity_vector_{release.preference_space}")
    rows = tx.rows(f"SELECT entity_id FROM {table} WHERE reach > 0 ORDER BY reach DESC, entity_id LIMIT 100")
    ids = [row["entity_id"] for row in rows]
    known = read_some(runner, ids) if ids else {}
    names = [known[i].name for i in ids if i in known and not known[i].sensitive][:SUGGESTED]
    forms = [TEMPLATES[FAMILIES[i % len(FAMILIES)]]["plain"][0] for i in range(len(names))]
    demands = [form.format(who=PEOPLE[0], what=name) for form, name in zip(forms, names, strict=True)]
    found = tuple(dict.fromkeys([*demands, *(prompt.sentence for prompt in read_prompts(tx))]))
    if not found:
        raise NotFoundError("no entity was met by any user: no sentence to suggest", hint="name one with --sentence")
    return found


def _change(tx: Transaction, speaker: Speaker, sentence: str, spaces: Sequence[TextSpace], beside: Beside) -> Change:
    sides = []
    for space in spaces:
        plan = speaker.plan(tx, sentence, space, beside.options)
        plan.require(guess=beside.options.guess)
        check_things(plan.sensitive, None)
        sides.append(all_scores(tx, space.space, speaker.vector(tx, plan, space)))
    return compare_audiences(sentence, sides[0], sides[1], beside.size)


def _named(tx: Transaction, change: Change) -> Change:
    """Return a change with the ids of its movers in place of their keys; users who are gone are left out."""
    ids = user_ids_of(tx, np.array([*change.left, *change.joined], np.int64))
    left, joined = (tuple(ids[key] for key in keys if key in ids) for keys in (change.left, change.joined))
    return replace(change, left=left, joined=joined)


def _compared(tx: Transaction, space: TextSpace) -> ComparedSpace:
    found = read_weight(tx, space.space)
    auc = None if found is None else found.measured.get("auc", {}).get("sentence")
    return ComparedSpace(
        space=space.space,
        run=space.model,
        as_of=space.as_of.isoformat(),
        users=shown(count_users(tx, space.space)),
        valid_loss=space.metrics.get("valid_loss"),
        auc=auc,
        auc_from="" if found is None or auc is None else f"{found.sentences:,} sentences of past windows",
    )
