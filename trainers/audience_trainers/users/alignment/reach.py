"""Sentences to users: who of all will do what a sentence says? The other direction of FIND eq. 13, and its bias.

A pair has one description, however much its user does. Taken as they are, the pairs say: of those who do something, who
does mostly this? Somebody with a hundred purchases shows each of them in one pair of a hundred, somebody with one shows
it always; who buys nothing is never seen. So a softmax over users learns interest and forgets activity, even turns it
around. Two corrections make its optimum log P(user does it), up to a number per sentence:

    done     whoever of the batch does what a sentence says is one of its users, and not the one it was written about
    idle     users with a history and no future stand among the users; of whom only a part is drawn, each stands for
             1 / part: log(1 / part) is added to its logit (Bengio and Senecal 2008)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional as F

Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Deeds:
    """What p users do in the described window, `done` (p, deeds), and which of it the descriptions of each view say.

    Both hold 1 or nothing. A deed is a fact without its numbers: buying candles, searching for trains.
    """

    done: sp.csr_matrix
    told: tuple[sp.csr_matrix, ...]

    def shared(self, rows: Indices, view: int) -> tuple[Bools, Bools]:
        """Return (b, b) twice: does the user of row i all that the description of row j says, [j, i]; does it some.

        A user who does some and not all of it is neither right nor wrong.
        """
        said = self.told[view % len(self.told)][rows]
        both = np.asarray((said @ self.done[rows].T).todense())
        whole = both >= np.diff(said.indptr)[:, None]
        np.fill_diagonal(whole, True)
        return whole, ~whole & (both > 0)


def reach_loss(
    texts: Tensor,
    users: Tensor,
    scale: Tensor,
    *,
    done: Tensor,
    partly: Tensor,
    offset: Tensor,
    mine: slice = slice(None),
) -> Tensor:
    """Return a scalar: each description has to find its users among all of the batch.

        L = -1/b sum_j mean over i in P_j of log [ exp s(q_j, f_i) / sum_k exp(s(q_j, f_k) + o_k) ],  s = scale cosine

    texts (b, d); users (b + e, d), the last e without a description; done (b, b): P_j, never empty; partly (b, b): who
    is left out of j's sum; offset (b + e,), 0 but for the last e. `mine`: these rows' share alone; the shares of all
    processes add up. Always in float32.
    """
    with torch.autocast(users.device.type, enabled=False):
        users, texts = F.normalize(users.float(), dim=1), F.normalize(texts.float(), dim=1)
        logits = scale * (texts[mine] @ users.T) + offset
        more = (0, len(users) - len(texts))
        own, left = F.pad(done[mine], more), F.pad(partly[mine], more)
        chance = logits.masked_fill(left, float("-inf")).log_softmax(dim=1)
        lost = -chance.masked_fill(~own, 0.0).sum(dim=1) / own.sum(dim=1)
        return lost.sum() / len(texts)
