"""Tagged sentences from a file: Parquet or JSON lines with split, tokens and tags, or CoNLL files.

    .parquet, .jsonl    split (train, dev or test), tokens (list of words), tags (BIO, as many); other columns ignored
    .conll, .bio, .txt  a word a line: the word first, its tag last, split by space or tab; a blank line ends a sentence
    a folder            train, dev and test files of one of these forms, e.g. train.conll and test.conll

`valid` and `validation` are other names of dev. A file of one split needs no column `split`: it is train. Without a
dev split a seeded share of train is held out. An I-x that follows neither B-x nor I-x is read as B-x, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audience_graph.errors import InputError, Problem
from audience_trainers.entities.data_rows import Row, rows_of
from audience_trainers.entities.tags import breaks, labels_of, repair, split_tag

_SPLITS = {"train": "train", "dev": "dev", "valid": "dev", "validation": "dev", "test": "test"}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words and their BIO tags, as many of one as of the other, at least one; tags are valid BIO."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaggedData:
    """The splits of one data set. `repaired` counts tags that were read as B- instead of I-."""

    name: str
    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]
    test: tuple[Sentence, ...]
    repaired: int = 0
    held_out: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels of the types that train names."""
        return labels_of(split_tag(tag)[1] for s in self.train for tag in s.tags if tag != "O")


def read_tagged(path: Path, *, ignore: Sequence[str] = (), held_out: float = 0.1, seed: int = 7) -> TaggedData:
    """Read and check a file or a folder; splits in `ignore` are left out unread.

    Raises InputError with the first problems (file, row, column, what was expected, what was found): a tag that is
    not BIO, lists of unequal length, an unknown split, nothing to train on.
    """
    problems: list[Problem] = []
    splits: dict[str, list[Sentence]] = {"train": [], "dev": [], "test": []}
    repaired = count = 0
    for row in rows_of(path):
        if row.split in ignore:
            continue
        problem = _problem(row)
        if problem is not None:
            count += 1
            problems += [problem][: _SHOWN - len(problems)]
            continue
        tags = tuple(row.tags)
        repaired += len(breaks(tags))
        splits[_SPLITS[row.split]].append(Sentence(tuple(row.words), repair(tags)))
    if problems:
        hint = "correct the file, or leave a split out with --ignore-split NAME"
        raise InputError(f"{path}: {count:,} bad rows; nothing was trained", problems=problems, count=count, hint=hint)
    if not splits["train"]:
        raise _nothing(path, "at least one sentence of split train")
    data = TaggedData(path.stem, tuple(splits["train"]), tuple(splits["dev"]), tuple(splits["test"]), repaired=repaired)
    if len(data.labels) == 1:
        raise _nothing(path, "a tag other than O in split train")
    return data if data.dev else _hold_out(data, held_out, seed, path)


def _hold_out(data: TaggedData, share: float, seed: int, path: Path) -> TaggedData:
    order = np.random.default_rng(seed).permutation(len(data.train))
    count = round(share * len(order))
    if count == 0 or count == len(order):
        raise _nothing(path, f"enough sentences of split train to hold {share:.0%} of them out, or a split dev")
    out = set(order[:count].tolist())
    kept = tuple(s for i, s in enumerate(data.train) if i not in out)
    return replace(data, train=kept, dev=tuple(data.train[i] for i in sorted(out)), held_out=True)


def _problem(row: Row) -> Problem | None:
    def found(column: str, expected: str, what: object) -> Problem:
        return Problem(row.file, row.row, column, expected, str(what))

    if row.split not in _SPLITS:
        return found("split", "train, dev or test", repr(row.split))
    if not row.words:
        return found("tokens", "at least one word", "an empty list")
    if len(row.words) != len(row.tags):
        return found("tags", f"{len(row.words)} tags, one for each token", len(row.tags))
    if not all(row.words):
        return found("tokens", "words of at least one character", "an empty word")
    bad = _first_bad(row.tags)
    return None if bad is None else found("tags", "O, B-<type> or I-<type>", repr(bad))


def _first_bad(tags: Iterable[str]) -> str | None:
    for tag in tags:
        try:
            split_tag(tag)
        except ValueError:
            return tag
    return None


def _nothing(path: Path, expected: str) -> InputError:
    problem = Problem(str(path), None, None, expected, "none")
    return InputError(f"{path} cannot be trained on", problems=[problem])
