"""Random definitions over leaves that are given, and a check of everything that was shown about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from audience_graph.audience.define.definition import Definition, Difference, Everyone, Ranked, intersection, union
from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.keysets import Mask, count
from audience_graph.audience.evaluate.waterfall import waterfall

_ONES = np.array([bin(n).count("1") for n in range(256)], np.uint8)


def random_definition(rng: np.random.Generator, leaves: Sequence[Definition], depth: int = 3) -> Definition:
    """Return a definition of at most `depth` operations over each other; rankings get filters before their cut."""
    if depth == 0 or rng.random() < 0.25:
        leaf = leaves[rng.integers(len(leaves))]
        if isinstance(leaf, Ranked) and leaf.among is None and rng.random() < 0.3:
            leaf = Ranked(leaf.by, leaf.size, leaf.min_score, leaf.width, leaves[rng.integers(len(leaves))])
        return leaf
    a, b = (random_definition(rng, leaves, depth - 1) for _ in range(2))
    kind = rng.integers(4)
    if kind == 3:
        return Difference(Everyone(), a)
    return (union(a, b), intersection(a, b), Difference(a, b))[kind]


def violations(evaluation: Evaluation, a: Definition, b: Definition) -> list[str]:
    """Return which laws of sets two definitions break: none, or there is a fault."""
    base, of = evaluation.universe.base, evaluation.mask
    in_a, in_b = of(a), of(b)
    laws = {
        "in + not in = base": count(in_a) + count(of(Difference(Everyone(), a))) == count(base),
        "in and not in are apart": not (in_a & of(Difference(Everyone(), a))).any(),
        "union": np.array_equal(of(union(a, b)), in_a | in_b),
        "overlap": np.array_equal(of(intersection(a, b)), in_a & in_b),
        "difference": np.array_equal(of(Difference(a, b)), in_a & ~in_b),
        "|A or B| = |A| + |B| - |A and B|": count(of(union(a, b)))
        == count(in_a) + count(in_b) - count(of(intersection(a, b))),
        "|A| = |A and B| + |A without B|": count(in_a) == count(of(intersection(a, b))) + count(of(Difference(a, b))),
        "members are the mask": all(len(evaluation.members(d)[0]) == count(of(d)) for d in (a, b)),
    }
    return [f"{law}: {a} / {b}" for law, holds in laws.items() if not holds]


def asked(evaluation: Evaluation, a: Definition, b: Definition) -> list[Mask]:
    """Return every set whose size somebody sees who asks for A, B and what they share, step by step."""
    steps = [step for d in (a, b) for step in waterfall(evaluation, d)]
    sets = [mask for step in steps for mask in (step.left, step.lost) if mask is not None]
    return [*sets, *(evaluation.mask(d) for d in (union(a, b), intersection(a, b), Difference(a, b), Difference(b, a)))]


@dataclass
class Shown:
    """Everything that was shown: `sets` as bitmaps, with their sizes and the numbers that stood for them."""

    sets: list[np.ndarray] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)

    def add(self, sets: Sequence[Mask], numbers: Sequence[int | None]) -> None:
        self.sets += [np.packbits(mask) for mask in sets]
        self.sizes += [count(mask) for mask in sets]
        self.numbers += numbers

    def leaks(self) -> list[str]:
        """Return what was told of fewer than 100 users.

        A number under 100 or not rounded; two numbers, each that of its own set, of sets that differ in fewer; a number
        that is neither of its own set nor of one that differs from it in fewer.
        """
        found = [f"{n} users shown as {s}" for n, s in zip(self.sizes, self.numbers, strict=True)
                 if n < MINIMUM_SIZE and s is not None]  # fmt: skip
        found += [f"a size of {s}" for s in self.numbers if s is not None and (s < MINIMUM_SIZE or s % 10)]
        rows = self._distinct()
        sizes, numbers = (np.array([row[i] for row in rows]) for i in (0, 1))
        bits = np.stack([row[2] for row in rows]) if rows else np.zeros((0, 1), np.uint8)
        own = numbers == (sizes + 5) // 10 * 10  # the number is that of this very set
        for i in range(len(rows)):
            near = np.arange(*np.searchsorted(sizes, [sizes[i] - MINIMUM_SIZE + 1, sizes[i] + MINIMUM_SIZE]))
            near = near[own[near]]
            close = near[_ONES[bits[near] ^ bits[i]].sum(axis=1, dtype=np.int64) < MINIMUM_SIZE]
            if own[i]:
                found += [
                    f"{numbers[i]} and {numbers[j]} tell few users apart" for j in close if numbers[j] != numbers[i]
                ]
            elif not (numbers[close] == numbers[i]).any():
                found.append(f"{sizes[i]} users shown as {numbers[i]}, the number of no set near to them")
        return found

    def _distinct(self) -> list[tuple[int, int, np.ndarray]]:
        told = {}
        for bits, size, number in zip(self.sets, self.sizes, self.numbers, strict=True):
            if number is not None:
                told[bits.tobytes(), number] = size, number, bits
        return sorted(told.values(), key=lambda row: row[0])
