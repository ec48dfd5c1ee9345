"""A fitted ensemble: logits of any pairs in bounded memory, thresholds, the weeks behind a score, and h_e."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audience_trainers.relations.ensemble.model import EnsembleNet
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
    device: str = "cpu"
    metrics: dict[str, Any] = field(default_factory=dict)
    curve: tuple[dict[str, float], ...] = ()

    def logits(self, source: Ints, target: Ints) -> Values:
        """Return s_uv (p,); sigmoid(s_uv) is the published score. Equal for (u, v) and (v, u) up to rounding."""
        return self.scores(source, target)[0]

    def week_attention(self, source: Ints, target: Ints) -> Floats:
        """Return how much each week weighs in what a pair has in common (p, T), rows of sum 1; oldest week first.

        Zeros for a pair that no week knows both sides of.
        """
        return self.scores(source, target)[1]

    @torch.no_grad()
    def scores(self, source: Ints, target: Ints) -> tuple[Values, Floats]:
        """Return logits (p,) and the weeks' weights (p, T), a batch of pairs at a time."""
        weeks = self.aligned.h.shape[1]
        logit, weight = np.empty(len(source)), np.empty((len(source), weeks), np.float32)
        step = max(1, BATCH_TOKENS // (2 * weeks))
        self.net.eval()
        tokens, seen = self._tokens()
        for begin in range(0, len(source), step):
            part = slice(begin, begin + step)
            u = torch.from_numpy(np.asarray(source[part], np.int64)).to(self.device)
            v = torch.from_numpy(np.asarray(target[part], np.int64)).to(self.device)
            s, a = self.net.pair(tokens[u], seen[u], tokens[v], seen[v])
            logit[part], weight[part] = s.double().cpu().numpy(), a.cpu().numpy()
        return logit, weight

    @torch.no_grad()
    def thresholds(self) -> Values:
        """Return eps_u of every entity (n,), on the scale of the logits: u -> v is a relation when s_uv > eps_u."""
        self.net.eval()
        tokens, seen = self._tokens()
        parts = zip(torch.split(tokens, ENTITY_BATCH), torch.split(seen, ENTITY_BATCH), strict=True)
        found = [self.net.eps(x, known).double().cpu().numpy() for x, known in parts]
        return np.concatenate([np.zeros(0), *found])

    def entity_vectors(self) -> Floats:
        """Return h_e (n, T d): see `spaces.concatenated`. Raises ConfigError past what one row of Postgres holds."""
        return concatenated(self.aligned)

    def _tokens(self) -> tuple[Tensor, Tensor]:
        h, mask = torch.from_numpy(self.aligned.h), torch.from_numpy(self.aligned.mask)
        parts = zip(torch.split(h, ENTITY_BATCH), torch.split(mask, ENTITY_BATCH), strict=True)
        found = [self.net.tokens(x.to(self.device), known.to(self.device)) for x, known in parts]
        return torch.cat([x for x, _ in found]), torch.cat([known for _, known in found])
