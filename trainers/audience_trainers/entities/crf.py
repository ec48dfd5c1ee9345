"""Linear-chain CRF over BIO labels: exact log-likelihood by the forward algorithm, exact decoding by Viterbi.

    score(x, y) = start[y_1] + sum_t emission[t, y_t] + sum_t transition[y_t-1, y_t] + end[y_n]
    log p(y | x) = score(x, y) - log sum_y' exp score(x, y')        (Lafferty, McCallum and Pereira 2001)

Starts and transitions that BIO forbids have score -inf, in the sum over y' as in decoding: a decoded sequence is
valid whatever the emissions are, and no probability is spent on others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audience_trainers.entities.tags import may_follow, may_start

_NEVER = float("-inf")


class LinearChainCRF(nn.Module):
    """Scores of starts (l,), transitions (l, l) from row to column, and ends (l,), learned.

    In all methods `emissions` is (b, w, l), `mask` (b, w) is true for words and false for padding behind them; every
    sentence has at least one word.
    """

    allowed_start: Tensor
    allowed: Tensor

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(len(labels)))
        self.transition = nn.Parameter(torch.zeros(len(labels), len(labels)))
        self.end = nn.Parameter(torch.zeros(len(labels)))
        self.register_buffer("allowed_start", torch.from_numpy(may_start(labels)), persistent=False)
        self.register_buffer("allowed", torch.from_numpy(may_follow(labels)), persistent=False)

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return log p(tags | emissions) of each sentence (b,); `tags` (b, w) are valid BIO."""
        return self.score(emissions, tags, mask) - self.log_partition(emissions, mask)

    def score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return score(x, y) of each sentence (b,); -inf for tags that BIO forbids."""
        start, transition = self._scores(emissions.dtype)
        tags = tags.masked_fill(~mask, 0)
        own = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)  # (b, w)
        step = transition[tags[:, :-1], tags[:, 1:]]  # (b, w - 1)
        last = tags.gather(1, mask.sum(1, keepdim=True) - 1).squeeze(1)
        total = start[tags[:, 0]] + own.masked_fill(~mask, 0.0).sum(1)
        return total + step.masked_fill(~mask[:, 1:], 0.0).sum(1) + self.end.to(emissions.dtype)[last]

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Return log of the sum of exp score over all valid sequences (b,), in log space."""
        start, transition = self._scores(emissions.dtype)
        alpha = start + emissions[:, 0]  # (b, l): log sum over prefixes that end in each label
        for t in range(1, emissions.shape[1]):
            step = torch.logsumexp(alpha.unsqueeze(2) + transition, dim=1) + emissions[:, t]
            alpha = torch.where(mask[:, t].unsqueeze(1), step, alpha)
        return torch.logsumexp(alpha + self.end, dim=1)

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """Return the best valid sequence of each sentence (Viterbi), as label indices."""
        start, transition = self._scores(emissions.dtype)
        best = start + emissions[:, 0]
        back: list[Tensor] = []
        stay = torch.arange(best.shape[1], device=best.device).expand_as(best)
        for t in range(1, emissions.shape[1]):
            step, before = (best.unsqueeze(2) + transition).max(dim=1)  # both (b, l)
            real = mask[:, t].unsqueeze(1)
            best = torch.where(real, step + emissions[:, t], best)
            back.append(torch.where(real, before, stay))  # over padding every label points to itself
        last = (best + self.end).argmax(1)
        path = [last]
        for before in reversed(back):
            path.append(before.gather(1, path[-1].unsqueeze(1)).squeeze(1))
        whole = torch.stack(path[::-1], dim=1).tolist()  # (b, w)
        return [row[:length] for row, length in zip(whole, mask.sum(1).tolist(), strict=True)]

    def _scores(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        start = self.start.to(dtype).masked_fill(~self.allowed_start, _NEVER)
        return start, self.transition.to(dtype).masked_fill(~self.allowed, _NEVER)
