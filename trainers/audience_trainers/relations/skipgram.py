"""E^Co: skip-gram vectors of entities over the users' sequences (EGL III-B, stage I).

Skip-gram with negative sampling in blocks. The mentions of a step are cut into blocks of 32, so that the products of
all centres with all contexts of a block are one small matrix product; negatives are shared by a step. Vectors of a step
are read and written once per mention instead of once per pair, which is what the pairwise form spends its time on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.behaviour import Behaviour, Ints

if TYPE_CHECKING:
    import torch

BLOCK = 32  # mentions whose pairs are taken together; another cut in every epoch
NEVER = -1  # the user of a filling place
MENTIONS_PER_PART = 2_000_000


@dataclass(frozen=True, slots=True)
class SkipGram:
    """How to learn: `negative` noise entities per pair, drawn from counts ^ `flat`; frequent entities are read less.

    `shared` noise entities stand for all of a step's. The rate falls from `rate` to `last` x `rate`.
    """

    dims: int
    window: int
    epochs: int
    negative: int = 8
    shared: int = 128
    sample: float = 1e-3
    flat: float = 0.75
    rate: float = 0.3
    last: float = 0.1


def skip_gram(behaviour: Behaviour, *, dims: int, window: int, epochs: int, seed: int) -> npt.NDArray[np.float32]:
    """Return E^Co (n, dims). An entity in no sequence has a zero row. Same seed, same machine: same vectors."""
    return train(behaviour, SkipGram(dims, window, epochs), seed=seed)


def train(behaviour: Behaviour, how: SkipGram, *, seed: int, device: str = "cpu") -> npt.NDArray[np.float32]:
    """Maximise sum log sigmoid(w_c . v_o) + `negative` E[log sigmoid(-w_c . v_noise)] over pairs inside the window.

    One step takes a batch of blocks; each row moves by its summed gradient over the root of its squared past (Adagrad,
    one number per row). Memory: both matrices and one part of the sequences.
    """
    import torch

    n = behaviour.entities
    if len(behaviour.entity) == 0:
        return np.zeros((n, how.dims), np.float32)
    count = np.bincount(behaviour.entity, minlength=n)
    rng = np.random.default_rng(seed)
    start = (rng.random((n, how.dims), np.float32) - 0.5) / how.dims
    centre, context = _Rows.of(torch.from_numpy(start), device), _Rows.of(torch.zeros(n, how.dims), device)
    noise = np.cumsum(np.power(count.astype(np.float64), how.flat))
    places = step_mentions(n) // BLOCK
    for epoch, share, tokens, users in _parts(behaviour, count, how, rng):
        order = rng.permutation(len(tokens))
        for begin in range(0, len(order), places):
            chosen = order[begin : begin + places]
            reach = rng.integers(1, how.window + 1, (len(chosen), BLOCK), dtype=np.int8)
            drawn = np.searchsorted(noise, rng.random(how.shared) * noise[-1], side="right")
            step = _Step(*(torch.from_numpy(a).to(device) for a in (tokens[chosen], users[chosen], reach, drawn)))
            gone = (epoch + share) / how.epochs
            _learn(centre, context, step, weight=how.negative / how.shared, rate=how.rate * (1 - (1 - how.last) * gone))
    vectors: npt.NDArray[np.float32] = centre.value.cpu().numpy()
    vectors[count == 0] = 0.0
    return vectors


def step_mentions(n: int) -> int:
    """Return how many mentions a step takes: few where few entities would meet themselves in it, at most 1,024."""
    return BLOCK * int(np.clip(n // (6 * BLOCK), 8, 32))


def _parts(
    behaviour: Behaviour, count: Ints, how: SkipGram, rng: np.random.Generator
) -> Iterator[tuple[int, float, Ints, npt.NDArray[np.int32]]]:
    """Yield (epoch, share of it that is done, entities, users) of all parts of all epochs."""
    for epoch in range(how.epochs):
        read = 0
        for part in behaviour.blocks(MENTIONS_PER_PART):
            yield epoch, read / len(behaviour.entity), *read_blocks(part, count, how.sample, rng)
            read += len(part.entity)


def read_blocks(
    behaviour: Behaviour, count: Ints, sample: float, rng: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Return entities and users of an epoch's mentions in blocks (b, 32); filling places have user -1.

    A mention of an entity with share f of all mentions stays with chance sqrt(sample / f) + sample / f.
    """
    share = np.maximum(count / count.sum(), 1e-30)
    stay = (np.sqrt(sample / share) + sample / share).astype(np.float32)
    kept = np.flatnonzero(rng.random(len(behaviour.entity), np.float32) < stay[behaviour.entity])
    before = int(rng.integers(0, BLOCK))
    after = -(before + len(kept)) % BLOCK
    entity = np.pad(behaviour.entity[kept], (before, after))
    user = np.pad(behaviour.user()[kept].astype(np.int32), (before, after), constant_values=NEVER)
    return entity.reshape(-1, BLOCK), user.reshape(-1, BLOCK)


@dataclass(frozen=True, slots=True)
class _Rows:
    """One matrix (n, d) and the squared past of its rows (n,)."""

    value: torch.Tensor
    past: torch.Tensor

    @classmethod
    def of(cls, value: torch.Tensor, device: str) -> _Rows:
        return cls(value.to(device), value.new_full((len(value),), 1e-8).to(device))

    def move(self, rows: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Climb along the gradients (m, d) of `rows` (m,); those of a row are summed first, in their order."""
        own, place = rows.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        total = gradient.new_zeros(len(own), gradient.shape[1]).index_add_(0, place, gradient)
        past = self.past[own] + total.square().mean(dim=1)
        self.past[own] = past
        self.value.index_add_(0, own, total * (rate / past.sqrt()).unsqueeze(1))


@dataclass(frozen=True, slots=True)
class _Step:
    """Entities and users of some blocks (b, 32), how far each centre looks (b, 32), and the noise (k,)."""

    entity: torch.Tensor
    user: torch.Tensor
    reach: torch.Tensor
    noise: torch.Tensor

    def pairs(self) -> torch.Tensor:
        """Return which (centre, context) of a block are a pair, (b, 32, 32): one user, inside reach, not the same."""
        place = self.reach.new_tensor(range(BLOCK))
        apart = (place[:, None] - place[None, :]).abs()
        inside = apart <= self.reach[:, :, None]
        inside &= self.user[:, :, None] == self.user[:, None, :]
        inside &= self.entity[:, :, None] != self.entity[:, None, :]
        return inside & (self.user != NEVER)[:, :, None]


def _learn(centre: _Rows, context: _Rows, step: _Step, *, weight: float, rate: float) -> None:
    import torch

    flat = step.entity.reshape(-1)
    w = centre.value.index_select(0, flat)  # (m, d)
    v = context.value.index_select(0, flat)
    noise = context.value.index_select(0, step.noise)  # (k, d)
    w3, v3 = w.view(-1, BLOCK, w.shape[1]), v.view(-1, BLOCK, v.shape[1])  # (b, 32, d)
    pairs = step.pairs()
    pull = (-(w3 @ v3.transpose(1, 2))).sigmoid_() * pairs  # (b, 32, 32): 1 - sigmoid(w . v)
    push = (w @ noise.T).sigmoid_() * (pairs.sum(dim=2).view(-1, 1) * weight)  # (m, k)
    centre.move(flat, (pull @ v3).view_as(w) - push @ noise, rate)
    to_context = (pull.transpose(1, 2) @ w3).view_as(v)
    context.move(torch.cat((flat, step.noise)), torch.cat((to_context, -(push.T @ w))), rate)
