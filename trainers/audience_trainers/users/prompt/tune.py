"""Tune a prompt on seed users: triplet loss over learnable tokens, held back to the sentence while seeds are few.

What all users of a space look like (`crowd.py`) may lean the tuned vector further.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audience_graph.errors import ConfigError
from audience_trainers.users.prompt.choose import Leaning, Walked, choose, mix
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.crowd import Crowd
from audience_trainers.users.prompt.folds import Folds, draw_folds
from audience_trainers.users.prompt.soft_prompt import SoftPrompt
from audience_trainers.users.prompt.triplet import triplet_loss
from audience_trainers.users.prompt.verdict import Verdict, judge_seeds
from audience_trainers.users.text_tower.tower import TextTower

Vectors = npt.NDArray[np.float32]
LOOKS = 4  # how often vectors are kept on the way


@dataclass(frozen=True, slots=True, eq=False)
class TunedPrompt:
    """A tuned prompt: used like a sentence through `vector` (out,), a unit vector in the space of users.

    `tokens` (m, e) are the learned ones after `steps`; `weight` is that of the tuned vector beside the sentence's,
    `plain` (out,). `leaned`: the crowd had a say too. `verdict` says whether the seeds tell anything.
    """

    sentence: str
    vector: Vectors
    tokens: Vectors
    plain: Vectors
    weight: float
    steps: int
    leaned: bool
    verdict: Verdict


def tune_prompt(
    tower: TextTower,
    sentence: str,
    positives: Vectors,
    negatives: Vectors,
    config: PromptConfig | None = None,
    *,
    unlabelled: Vectors | None = None,
    crowd: Crowd | None = None,
) -> TunedPrompt:
    """Return the prompt of a sentence tuned on seed users (p, out) and (q, out), unit vectors; the tower stays frozen.

    Learned by FIND eq. 14 with all seeds, and in the same batch with some left out in turn. The paper stops there; a
    handful of seeds can also mislead, so the vector is (1 - w) sentence + w tuned. How many steps and which w is what
    tells the seeds left out apart best, less caution w^2 / n for n seeds of the rarer label; where none can be left
    out, w = 0 at the last step, or 0.1 with mined negatives alone. Seeds that do not separate leave the sentence as it
    is.
    `unlabelled` users: the `config.hard` nearest to the sentence join the negatives of every training, and judge none.
    With a crowd, which the paper does not have, the vector is then leaned toward the seeds by `config.lean`; the
    verdict is of that vector.
    Raises ConfigError without a positive and a negative, or for vectors of another space.
    """
    config = PromptConfig() if config is None else config
    positives, negatives = (np.asarray(part, np.float32) for part in (positives, negatives))
    _check(tower, positives, negatives, config, unlabelled)
    plain = tower.embed([sentence])[0]
    extra = _nearest(plain, unlabelled, config.hard)
    folds = draw_folds(len(positives), len(negatives), config.folds, np.random.default_rng(config.seed))
    walked = _walk(tower, sentence, (positives, negatives, extra), folds, config)
    leaning = Leaning(positives, negatives, None if config.lean == 0 else crowd, config.lean)
    chosen = choose(walked, plain, leaning, folds, config.caution)
    verdict = judge_seeds(len(positives), len(negatives), auc=chosen.auc, plain=chosen.plain_auc)
    told = verdict.kind != "seeds do not separate"
    weight = chosen.weight if told else 0.0
    vector = mix(plain, walked.vectors[chosen.look, 0], weight)
    return TunedPrompt(
        sentence=sentence,
        vector=leaning.all(vector) if told else vector,
        tokens=walked.tokens[chosen.look],
        plain=plain,
        weight=weight,
        steps=walked.steps[chosen.look],
        leaned=told and leaning.crowd is not None,
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


def _walk(
    tower: TextTower,
    sentence: str,
    seeds: tuple[Vectors, Vectors, Vectors],
    folds: Folds,
    config: PromptConfig,
) -> Walked:
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
    return Walked(
        np.stack([vectors.cpu().numpy() for _, vectors, _ in seen]),
        np.stack([learned.cpu().numpy() for _, _, learned in seen]),
        tuple(step for step, _, _ in seen),
    )
