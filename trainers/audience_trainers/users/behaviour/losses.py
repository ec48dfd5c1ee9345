"""Self-supervised losses of behaviour: contrastive prediction of the next steps, and the cyclic regulariser."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NEVER = -1e9  # a logit that counts for nothing and keeps gradients finite


def cpc_loss(
    c: Tensor,
    z: Tensor,
    there: Tensor,
    *,
    steps: int,
    temperature: float = 1.0,
    others: Tensor | None = None,
    alike: Tensor | None = None,
    printed: bool = False,
) -> Tensor:
    """Return the loss of FIND eq. 6, a scalar: c_t has to tell z_{t+1} .. z_{t+k} from the other later events.

        L = -1/(Kk) sum_t sum_{i=1..k} log [ exp s(c_t, z_{t+i}) / sum_j exp s(c_t, z_{t+j}) ]

    s = cosine / temperature; c, z (b, w, d), there (b, w). The sum over j runs over the later events of the same user,
    as printed, and, where given, over `others` (m, d), events of anybody. `alike` (b, w, m) bool says where one of the
    others tells what event j tells: it is no negative of a c_t that is asked for event j. Pairs past the end of a
    history do not exist: the mean is over those that do, of all users together. `printed`: 1/(Kk) as in the paper,
    though fewer than Kk pairs exist, then the mean over users with a pair, so that each counts alike. Without any pair
    it is 0.
    """
    c, z = F.normalize(c.float(), dim=-1), F.normalize(z.float(), dim=-1)
    s = (c @ z.transpose(1, 2)) / temperature  # (b, t, j)
    w = s.shape[1]
    ahead = torch.arange(w, device=s.device).unsqueeze(0) - torch.arange(w, device=s.device).unsqueeze(1)
    later = (ahead > 0) & there.unsqueeze(1) & there.unsqueeze(2)  # (b, t, j)
    against = s.masked_fill(~later, NEVER)
    if others is not None and len(others):
        more = (c @ F.normalize(others.float(), dim=-1).T) / temperature  # (b, t, m)
        if alike is not None:
            more = more.masked_fill(_asked_for(alike & there.unsqueeze(2), steps), NEVER)
        against = torch.cat([against, more], dim=2)
    wanted = later & (ahead <= steps)
    told = (s - against.logsumexp(dim=2, keepdim=True)).masked_fill(~wanted, 0.0)
    if printed:
        length = there.sum(dim=1)
        users = -told.sum(dim=(1, 2)) / (length.clamp_min(1) * steps)
        return users.sum() / (length >= 2).sum().clamp_min(1)
    return -told.sum() / wanted.sum().clamp_min(1)


def _asked_for(alike: Tensor, steps: int) -> Tensor:
    """Return (b, w, m) bool: whether any of the next `steps` events after t is like one of the others."""
    so_far = torch.cumsum(alike.to(torch.int32), dim=1)
    end = (torch.arange(alike.shape[1], device=alike.device) + steps).clamp_max(alike.shape[1] - 1)
    return so_far[:, end] > so_far


def cyclic_kl(c: Tensor, time: Tensor, there: Tensor, *, cycle: float) -> Tensor:
    """Return the mean KL(softmax c_t || softmax c_{t+T}) of FIND eq. 7, a scalar, over the events that have a t + T.

    c (b, w, d), time (b, w) and `cycle` T in the same unit. t + T is the first event at least T and less than 2 T
    later; events without one do not count.
    """
    later = time.unsqueeze(1) - time.unsqueeze(2)  # (b, t, j)
    fits = (later >= cycle) & (later < 2 * cycle) & there.unsqueeze(1) & there.unsqueeze(2)
    has = fits.any(dim=2)
    then = fits.to(torch.uint8).argmax(dim=2)  # the first
    logs = F.log_softmax(c.float(), dim=-1)
    after = logs.gather(1, then.unsqueeze(2).expand_as(logs))
    kl = (logs.exp() * (logs - after)).sum(dim=2).masked_fill(~has, 0.0)
    return kl.sum() / has.sum().clamp_min(1)
