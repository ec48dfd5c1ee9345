"""Tune a prompt on seed users: triplet loss over learnable tokens, held back to the sentence while seeds are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.folds import Folds, draw_folds, held_out_loss, held_out_wins
from audience_trainers.users.prompt.soft_prompt import SoftPrompt
from audience_trainers.users.prompt.triplet import triplet_loss
from audience_trainers.users.prompt.verdict import Verdict, judge_seeds
from audience_trainers.users.text_tower.tower import TextTower

Vectors = npt.NDArray[np.float32]
WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
UNMEASURED = 0.1  # the weight where no seed can be left out
LOOKS = 4  # how often vectors are kept on the way


@dataclass(frozen=True, slots=True, eq=False)
class TunedPrompt:
    """A tuned prompt: used like a sentence through `vector` (out,), a unit vector in the space of users.

    `tokens` (m, e) are the learned ones after `steps`; `weight` is that of the tuned vector beside the sentence's,
    `plain` (out,). `verdict` says whether the seeds tell anything.
    """

    sentence: str
    vector: Vectors
    tokens: Vectors
    plain: Vectors
    weight: float
    steps: int
    verdict: Verdict


def tune_prompt(
    tower: TextTower,
    sentence: str,
    positives: Vectors,
    negatives: Vectors,
    config: PromptConfig | None = None,
    *,
    unlabelled: Vectors | None = None,
) -> TunedPrompt:
    """Return the prompt of a sentence tuned on seed users (p, out) and (q, out), unit vectors; the tower stays frozen.

    Learned by FIND eq. 14 with all seeds, and in the same batch with some left out in turn. The paper stops there; a
    handful of seeds can also mislead, so the vector is (1 - w) sentence + w tuned. How many steps and which w is what
    tells the seeds left out apart best, less caution w^2 / n for n seeds of the rarer label; where none can be left
    out (one of a label), w = 0.1 at the last step. Seeds that do not separate leave the sentence as it is (w = 0).
    `unlabelled` users: the `config.hard` nearest to the sentence join the negatives of every training, and judge none.
    Raises ConfigError without a positive and a negative, or for vectors of another space.
    """
    config = PromptConfig() if config is None else config
    positives, negatives = (np.asarray(part, np.float32) for part in (positives, negatives))
    _check(tower, positives, negatives, config, unlabelled)
    plain = tower.embed([sentence])[0]
    extra = _nearest(plain, unlabelled, config.hard)
    folds = draw_folds(len(positives), len(negatives), config.folds, np.random.default_rng(config.seed))
    walked = _walk(tower, sentence, (positives, negatives, extra), folds, config)
    chosen = _choose(walked, plain, (positives, negatives), folds, config.caution)
    verdict = judge_seeds(len(positives), len(negatives), auc=chosen.auc, plain=chosen.plain_auc)
    weight = 0.0 if verdict.kind == "seeds do not separate" else chosen.weight
    return TunedPrompt(
        sentence=sentence,
        vector=_mix(plain, walked.vectors[chosen.look, 0], weight),
        tokens=walked.tokens[chosen.look],
        plain=plain,
        weight=weight,
        steps=walked.steps[chosen.look],
        verdict=verdict,
    )


def _check(
    tower: TextTower, positives: Vectors, negatives: Vectors, config: PromptConfig, unlabelled: Vectors | None
) -> None:
    mined = 0 if unlabelled is None else min(config.hard, len(unlabelled))
    given = [len(positives), len(negatives)]
    if given[0] == 0 or given[1] + mined == 0:
        raise ConfigError(
            f"{given[0]} positive and {given[1]} negative seed users; one of each is needed at least",
            hint="without negatives, give unlabelled users and hard=10: the nearest ones stand in",
        )
    for part in (positives, negatives, unlabelled):
        wanted = (len(part), tower.config.dims) if part is not None else None
        if part is not None and (part.shape != wanted or not np.isfinite(part).all()):
            raise ConfigError(f"users of shape {part.shape}: expected {wanted}, finite numbers")


def _nearest(plain: Vectors, unlabelled: Vectors | None, count: int) -> Vectors:
    if unlabelled is None or count == 0:
        return np.zeros((0, len(plain)), np.float32)
    order = np.argsort(-(unlabelled @ plain), kind="stable")[:count]
    return np.asarray(unlabelled[order], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Walked:
    """Vectors (looks, k, out) of every training on its way, tokens (looks, m, e) of the one on all seeds."""

    vectors: Vectors
    tokens: Vectors
    steps: tuple[int, ...]


def _walk(
    tower: TextTower,
    sentence: str,
    seeds: tuple[Vectors, Vectors, Vectors],
    folds: Folds,
    config: PromptConfig,
) -> _Walked:
    """Train all prompts together; stop early when no triplet of any violates the margin."""
    device = tower.reader.device
    positives, negatives, extra = (torch.from_numpy(part.reshape(-1, tower.config.dims)).to(device) for part in seeds)
    kept = torch.from_numpy(folds.trained()).to(device)
    also = (~torch.from_numpy(folds.positive).to(device)).unsqueeze(2).expand(-1, -1, len(extra))
    kept = torch.cat([kept, also], dim=2)
    against = torch.cat([negatives, extra])
    mode = tower.training
    tower.eval()
    prompt = SoftPrompt(tower, sentence)
    start = prompt.start(config.tokens, config.words, torch.Generator().manual_seed(config.seed))
    tokens = start.expand(len(kept), -1, -1).clone().requires_grad_()
    optimizer = torch.optim.Adam([tokens], lr=config.learning_rate)
    looks = {max(1, round(config.steps / 2**i)) for i in range(LOOKS)}
    seen: list[tuple[int, Tensor, Tensor]] = []
    for step in range(1, config.steps + 1):
        loss = triplet_loss(prompt.read(tokens), positives, against, config.margin, kept=kept).sum()
        (tokens.grad,) = torch.autograd.grad(loss, tokens)  # of the tokens alone: towers stay as they are
        optimizer.step()
        done = float(loss.detach()) == 0.0
        if step in looks or done:
            with torch.no_grad():
                seen.append((step, prompt.read(tokens), tokens[0].detach().clone()))
        if done:
            break
    tower.train(mode)
    return _Walked(
        np.stack([vectors.cpu().numpy() for _, vectors, _ in seen]),
        np.stack([learned.cpu().numpy() for _, _, learned in seen]),
        tuple(step for step, _, _ in seen),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    look: int
    weight: float
    auc: float
    plain_auc: float


def _choose(walked: _Walked, plain: Vectors, seeds: tuple[Vectors, Vectors], folds: Folds, caution: float) -> _Choice:
    """Choose look and weight by seeds left out; the AUC of a fold is that of the choice made without it."""
    last = len(walked.steps) - 1
    judging = np.flatnonzero(folds.compared().any(axis=(1, 2)))
    if len(judging) == 0:
        return _Choice(last, UNMEASURED, float("nan"), float("nan"))
    candidates = [(0, 0.0)] + [(look, weight) for look in range(last + 1) for weight in WEIGHTS[1:]]
    mixed = np.stack([_mix(plain, walked.vectors[look], weight) for look, weight in candidates])  # (c, k, out)
    positive, negative = (np.asarray(mixed @ part.T, np.float64) for part in seeds)
    loss = held_out_loss(positive, negative, folds)[:, judging]
    dear = caution * np.array([weight**2 for _, weight in candidates]) / min(map(len, seeds))
    best = int((loss.mean(axis=1) + dear).argmin())
    others = (loss.sum(axis=1, keepdims=True) - loss) / max(len(judging) - 1, 1)
    without = (others + dear[:, None]).argmin(axis=0)
    won, of = _wins(positive, negative, folds, judging, without)
    plain_won, _ = _wins(positive, negative, folds, judging, np.zeros_like(without))
    look, weight = candidates[best]
    return _Choice(look, weight, won / of, plain_won / of)


def _wins(
    positive: npt.NDArray[np.float64],
    negative: npt.NDArray[np.float64],
    folds: Folds,
    judging: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
) -> tuple[float, float]:
    picked = np.zeros(positive.shape[1], np.int64)
    picked[judging] = chosen
    fold = np.arange(positive.shape[1])
    won, of = held_out_wins(positive[picked, fold], negative[picked, fold], folds)
    return float(won.sum()), float(of.sum())


def _mix(plain: Vectors, tuned: Vectors, weight: float) -> Vectors:
    """Return the unit vectors of (1 - w) plain (out,) + w tuned (..., out)."""
    mixed = torch.from_numpy((1.0 - weight) * plain + weight * tuned)
    return np.asarray(F.normalize(mixed, dim=-1).numpy(), np.float32)
