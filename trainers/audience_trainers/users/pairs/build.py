"""From a source to pairs: moments with a history and a future, and the facts of that future.

A moment is there when its user has an event in the `history_days` before t1, and a fact in the described window. How
likely a fact is spoken of: count x ln(1 + users / users with this value) ** rarity x KIND_WEIGHTS x FAMILY_WEIGHTS.
Users are counted within the split of the moment, so no statistic of the test reaches training; a value that fewer than
`least_users` of them share is left out, because it tells of one person and not of an audience.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audience_graph.errors import ConfigError, InputError
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.wording import LEAST_CENTS
from audience_trainers.run import Progress, silent
from audience_trainers.users.columns import Coded, Columns
from audience_trainers.users.histories import Histories, Indices, Moments
from audience_trainers.users.pairs.describe import DescribeConfig, Describer
from audience_trainers.users.pairs.facts import Facts
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.find import find_facts
from audience_trainers.users.pairs.futures import KINDS, OUTCOMES
from audience_trainers.users.pairs.groups import item_groups
from audience_trainers.users.pairs.linking import link_texts
from audience_trainers.users.pairs.values import words_of
from audience_trainers.users.pairs.windows import DAY, SPLITS, WindowConfig, Windows, held_out, plan_windows
from audience_trainers.users.source import Source

# Names of things, and words that they share, above names of shops and free text, those above totals.
KIND_WEIGHTS = {"item": 1.0, "category": 1.0, "entity": 1.0, "merchant": 0.5, "text": 0.5, "any": 0.2, "group": 1.0}
# Every purchase that tells how it was paid is a payment too: evenly weighed, sentences would mostly speak of payments.
FAMILY_WEIGHTS = {"purchase": 1.0, "browse": 1.0, "search": 1.0, "click": 1.0, "payment": 0.4}


@dataclass(frozen=True, slots=True)
class PairsConfig:
    """How pairs are made. `link`: find entities in texts by the dictionary. `groups`: see `groups`.

    `rarity`: how much rarer values are preferred, 0 not at all; `least_users`: see the module.
    """

    windows: WindowConfig = field(default_factory=WindowConfig)
    describe: DescribeConfig = field(default_factory=DescribeConfig)
    least_users: int = 2
    rarity: float = 1.0
    link: bool = True
    groups: bool = True

    def __post_init__(self) -> None:
        if self.least_users < 1:
            raise ConfigError(f"least_users is {self.least_users}", hint="it takes 1 or more")
        if not 0 <= self.rarity <= 10:
            raise ConfigError(f"rarity is {self.rarity}", hint="it takes 0 to 10")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """p pairs, in order of user, then t1. `split` (p,) places in SPLITS. An input reads what lies before a moment."""

    moments: Moments
    split: Indices
    facts: Facts
    windows: Windows
    describer: Describer

    def __len__(self) -> int:
        return len(self.moments)

    def rows(self, split: str) -> Indices:
        """Return the places of the pairs of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split)).astype(np.int64)

    def sample(self, rows: Sequence[int] | Indices, rng: np.random.Generator) -> list[str]:
        """Return a fresh description of each of these pairs; the same generator state gives the same sentences."""
        return [sentence for sentence, _ in self.tell(rows, rng)]

    def tell(self, rows: Sequence[int] | Indices, rng: np.random.Generator) -> list[tuple[str, list[int]]]:
        """Return a fresh description of each of these pairs, and the places of the facts that it tells."""
        return [self.describer.tell(int(row), rng) for row in rows]


def build_pairs(
    source: Source,
    histories: Histories,
    config: PairsConfig = PairsConfig(),
    *,
    families: FamilyMap = FamilyMap(),
    phrases: pa.Table | None = None,
    progress: Progress = silent,
) -> Pairs:
    """Return the pairs of a source. `phrases` (phrase, entity_id): texts linked by the caller, instead of `link`.

    Raises ConfigError when the settings leave no window, InputError when no user has both a history and a future.
    """
    windows = plan_windows(int(histories.time.min()), int(histories.time.max()), config.windows)
    if phrases is None and config.link and len(source.dictionary):
        progress("linking texts", 0, 1)
        phrases = link_texts(source)
        progress("linking texts", 1, 1)
    groups = item_groups(source) if config.groups else None
    found = find_facts(source, histories, windows, families=families, phrases=phrases, groups=groups, progress=progress)
    return _pairs(source, histories, windows, config, found)


def _pairs(source: Source, histories: Histories, windows: Windows, config: PairsConfig, found: Columns) -> Pairs:
    cut_of = np.searchsorted(windows.cut, found.values["cut"])
    user = _codes(found.coded["user_id"], histories.user_ids)
    value, words = _words(source, found)
    split = splits(histories, windows, config.windows)[user, cut_of]
    kept = (value >= 0) & active(histories, windows)[user, cut_of]
    kept[kept] = _common(value[kept], user[kept], split[kept], config.least_users)
    kept &= _worth_telling(found)
    if not kept.any():
        raise InputError(
            f"{source.name}: no user has both a history and a future that can be described",
            hint="look at the windows (horizon_days, history_days), at channels, and at least_users",
        )
    key = (user * len(windows.cut) + cut_of)[kept]
    pair_key, first_fact = np.unique(key, return_index=True)  # facts come in the order of user and cut
    facts = Facts(
        start=np.append(first_fact, len(key)).astype(np.int64),
        family=_codes(found.coded["family"], FAMILIES)[kept].astype(np.int8),
        outcome=_codes(found.coded["outcome"], OUTCOMES)[kept].astype(np.int8),
        kind=_codes(found.coded["kind"], KINDS)[kept].astype(np.int8),
        way=found.coded["way"].code[kept],
        value=value[kept].astype(np.int32),
        count=found.values["count"][kept],
        cents=found.values["cents"][kept],
        first=found.values["first"][kept].astype(bool),
        weight=_weights(found, kept, _rarity(value[kept], user[kept], split[kept]) ** config.rarity),
        ways=found.coded["way"].words,
        values=words,
    )
    moments = Moments(pair_key // len(windows.cut), windows.cut[pair_key % len(windows.cut)])
    return Pairs(
        moments=moments,
        split=split[kept][first_fact],
        facts=facts,
        windows=windows,
        describer=Describer(facts, horizon_days=windows.horizon // DAY, config=config.describe),
    )


def _codes(coded: Coded, words: Sequence[str]) -> Indices:
    place = {word: i for i, word in enumerate(words)}
    table = np.array([place[word] for word in coded.words], np.int64)
    return table[coded.code] if len(table) else np.empty(0, np.int64)


def _words(source: Source, found: Columns) -> tuple[Indices, tuple[str, ...]]:
    """Return the value of each fact as a place in the words of all values, -1 where it has none, and those words."""
    kind, raw = _codes(found.coded["kind"], KINDS), found.coded["value"]
    both, place = np.unique(raw.code.astype(np.int64) * len(KINDS) + kind, return_inverse=True)
    values = [raw.words[i] for i in (both // len(KINDS)).tolist()]
    said = words_of(values, (both % len(KINDS)).tolist(), source.names)
    words = tuple(sorted({word for word in said if word is not None}))
    code = {word: i for i, word in enumerate(words)}
    return np.array([-1 if word is None else code[word] for word in said], np.int64)[place], words


def splits(histories: Histories, windows: Windows, config: WindowConfig) -> Indices:
    """Return (n, c) the split of each user at each cut: users held out are for validation where others train."""
    split = np.tile(windows.split, (len(histories.user_ids), 1))
    split[held_out(histories.user_ids, config.validation_share)[:, None] & (split == 0)] = SPLITS.index("validation")
    return split


def active(histories: Histories, windows: Windows) -> npt.NDArray[np.bool_]:
    """Return (n, c) whether a user has an event in the days of history before a cut."""
    users, cuts = len(histories.user_ids), len(windows.cut)
    user = np.repeat(np.arange(users), cuts)
    end = histories.before(Moments(user, np.tile(windows.cut, users)))
    begin = histories.before(Moments(user, np.tile(windows.cut - windows.history, users)))
    return np.asarray(end > begin).reshape(users, cuts)


def _users_with(value: Indices, user: Indices, split: Indices) -> tuple[Indices, Indices]:
    """Return (f,) how many users of a fact's split share its value, and (3,) how many users each split has."""
    users = int(user.max(initial=0)) + 1
    keys = value * len(SPLITS) + split
    once = np.unique(keys * users + user)
    shared = np.bincount(once // users)
    everyone = np.bincount(np.unique(split * users + user) // users, minlength=len(SPLITS))
    return shared[keys], everyone


def _common(value: Indices, user: Indices, split: Indices, least: int) -> npt.NDArray[np.bool_]:
    return np.asarray(_users_with(value, user, split)[0] >= least) if len(value) else np.empty(0, bool)


def _rarity(value: Indices, user: Indices, split: Indices) -> npt.NDArray[np.float64]:
    shared, everyone = _users_with(value, user, split)
    return np.asarray(np.log1p(everyone[split] / shared))


def _weights(found: Columns, kept: npt.NDArray[np.bool_], rarity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    kind = np.array([KIND_WEIGHTS[name] for name in KINDS])[_codes(found.coded["kind"], KINDS)[kept]]
    family = np.array([FAMILY_WEIGHTS[name] for name in FAMILIES])[_codes(found.coded["family"], FAMILIES)[kept]]
    return np.asarray(found.values["count"][kept] * rarity * kind * family)


def _worth_telling(found: Columns) -> npt.NDArray[np.bool_]:
    """Return (f,) bool: all but totals that nothing can be said of (small sums, payments without a channel)."""
    family, way = found.coded["family"], found.coded["way"]
    kind, outcome = _codes(found.coded["kind"], KINDS), _codes(found.coded["outcome"], OUTCOMES)
    total = kind == KINDS.index("any")
    paid = _codes(family, FAMILIES) == FAMILIES.index("payment")
    spent = found.values["cents"] >= LEAST_CENTS
    told = np.where(paid, np.array([word != "" for word in way.words], bool)[way.code], spent)
    return np.asarray(~total | (told & (outcome == 0)))
