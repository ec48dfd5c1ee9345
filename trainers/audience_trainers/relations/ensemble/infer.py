"""A fitted ensemble: logits of any pairs in bounded memory, thresholds, the weeks behind a score, and h_e."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audience_trainers.relations.ensemble.model import EnsembleNet
from audience_trainers.relations.ensemble.scores import Listed, Scores
from audience_trainers.relations.ensemble.spaces import concatenated
from audience_trainers.relations.ensemble.weeks import Aligned, Floats

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BATCH_TOKENS = 98_304  # tokens of both sides of a batch of pairs: about 100 MB at 64 dims
ENTITY_BATCH = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """The network and the weeks that it reads; `metrics` are its validation measures, `curve` one row an epoch."""

    net: EnsembleNet
    aligned: Aligned
    scores: Scores
    device: str = "cpu"
    metrics: dict[str, Any] = field(default_factory=dict)
    curve: tuple[dict[str, float], ...] = ()

    def logits(self, source: Ints, target: Ints) -> Values:
        """Return s_uv (p,); sigmoid(s_uv) is the published score. Equal for (u, v) and (v, u) up to rounding."""
        return self.judge(source, target)[0]

    def week_attention(self, source: Ints, target: Ints) -> Floats:
        """Return how much each week weighs in what a pair has in common (p, T), rows of sum 1; oldest week first.

        Zeros for a pair that no week knows both sides of.
        """
        return self.judge(source, target)[1]

    @torch.no_grad()
    def judge(self, source: Ints, target: Ints, *, held: bool = False) -> tuple[Values, Floats]:
        """Return logits (p,) and the weeks' weights (p, T), a batch of pairs at a time.

        `held` reads of stage II what it said of the pairs that it held out, and what this week's exposure adds, which
        the labels of validation know.
        """
        weeks = self.aligned.h.shape[1]
        logit, weight = np.empty(len(source)), np.empty((len(source), weeks), np.float32)
        step = max(1, BATCH_TOKENS // (2 * weeks))
        self.net.eval()
        tokens, seen = self._tokens()
        met = torch.from_numpy(self.scores.met[:, -1].copy()).to(self.device)
        for begin in range(0, len(source), step):
            part = slice(begin, begin + step)
            u = torch.from_numpy(np.asarray(source[part], np.int64)).to(self.device)
            v = torch.from_numpy(np.asarray(target[part], np.int64)).to(self.device)
            told = self._told(self.scores.held if held else self.scores.pairs, source[part], target[part])
            s, a = self.net.pair(tokens[u], seen[u], tokens[v], seen[v], told)
            if held:
                s = s + self.net.exposure(torch.stack([met[u], met[v]], dim=1))
            logit[part], weight[part] = s.double().cpu().numpy(), a.cpu().numpy()
        return logit, weight

    @torch.no_grad()
    def thresholds(self) -> Values:
        """Return eps_u of every entity (n,), on the scale of the logits: u -> v is a relation when s_uv > eps_u."""
        self.net.eval()
        tokens, seen = self._tokens()
        told = torch.from_numpy(self.scores.eps).to(self.device)
        parts = zip(*(torch.split(x, ENTITY_BATCH) for x in (tokens, seen, told)), strict=True)
        found = [self.net.eps(x, known, said).double().cpu().numpy() for x, known, said in parts]
        return np.concatenate([np.zeros(0), *found])

    def decide(self, source: Ints, target: Ints, cut: float = 0.0) -> tuple[Values, Values]:
        """Return s_uv (p,) of this week's candidates and eps_u + cut (n,), on the level of stage II.

        Which pairs a half of one week's users bear out says little of how many relations there are. So the ensemble
        orders, and all logits are moved by one number, so that as many pairs pass as halfway between two counts of
        stage II: those that pass in a mean week, bursts of single weeks among them, and those that pass by the mean
        over weeks, where pairs that weeks show by turns are missing.
        """
        logit, eps = self.logits(source, target), self.thresholds() + cut
        usual = self.scores.usual_number(cut)
        if usual is None:
            return logit, eps
        steady = int((self.stage_two(source, target) > eps[source]).sum())
        number = (usual + steady) // 2
        if not 0 < number < len(logit):
            return logit, eps
        margin = np.sort(logit - eps[source])
        return logit - (margin[-number] + margin[-number - 1]) / 2, eps

    @torch.no_grad()
    def stage_two(self, source: Ints, target: Ints) -> Values:
        """Return the mean over weeks of what stage II says of pairs (p,), a batch at a time."""
        found = np.empty(len(source))
        for begin in range(0, len(source), BATCH_TOKENS):
            part = slice(begin, begin + BATCH_TOKENS)
            logit, scored, asked = self._told(self.scores.pairs, source[part], target[part])
            found[part] = self.net.stage_two(logit, scored, asked)[0].double().cpu().numpy()
        return found

    def entity_vectors(self) -> Floats:
        """Return h_e (n, T d): see `spaces.concatenated`. Raises ConfigError past what one row of Postgres holds."""
        return concatenated(self.aligned)

    def _told(self, listed: Listed, source: Ints, target: Ints) -> tuple[Tensor, Tensor, Tensor]:
        logit, scored, asked = (torch.from_numpy(x).to(self.device) for x in listed.of(source, target))
        return logit, scored, asked

    def _tokens(self) -> tuple[Tensor, Tensor]:
        h, mask = torch.from_numpy(self.aligned.h), torch.from_numpy(self.aligned.mask)
        parts = zip(torch.split(h, ENTITY_BATCH), torch.split(mask, ENTITY_BATCH), strict=True)
        found = [self.net.tokens(x.to(self.device), known.to(self.device)) for x, known in parts]
        return torch.cat([x for x, _ in found]), torch.cat([known for _, known in found])
