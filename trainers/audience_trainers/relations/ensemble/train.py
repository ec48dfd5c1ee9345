"""Fit the ensemble: weighted cross-entropy of s_uv and of s_uv - eps_u, weeks hidden at random, best on validation.

L = L_pred + alpha L_th, EGL eq. 2 and 3 with the ensemble's own s_uv and eps_u. Labels count behaviour: what being met
often adds to them is a term of its own in both, which relations are scored without.

A row never sees the vectors or scores of the week that gave its label: stage II fitted them to that label, noise and
all, and an ensemble that may look would trust this week alone. It has to foretell a week's labels from the other weeks.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from audience_graph.errors import RunError
from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.relations.ensemble.infer import Ensemble
from audience_trainers.relations.ensemble.model import EnsembleNet, hide_weeks
from audience_trainers.relations.ensemble.pairs import NO_WEEK, TRAIN, VALID, TrainingPairs
from audience_trainers.relations.ensemble.scores import Scores, no_scores
from audience_trainers.relations.ensemble.weeks import Aligned
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.run import Progress, silent


@dataclass(frozen=True, slots=True)
class Batches:
    """Everything on the device: z_e by week, which weeks are known, and the training pairs in columns."""

    h: Tensor  # (n, T, d)
    mask: Tensor  # (n, T)
    pair: Tensor  # (2, p)
    label: Tensor  # (p,)
    weight: Tensor  # (p,)
    week: Tensor  # (p,) slot that a row must not see, -1 = none
    told: tuple[Tensor, Tensor, Tensor]  # stage II by week, `scores.Told`, (p, T) each
    eps: Tensor  # (n, T)
    met: Tensor  # (n, T)


def fit_ensemble(
    aligned: Aligned,
    pairs: TrainingPairs,
    config: EnsembleConfig | None = None,
    *,
    scores: Scores | None = None,
    seed: int = 7,
    device: str = "cpu",
    progress: Progress = silent,
) -> Ensemble:
    """Fit on the training pairs, stop when validation no longer improves, return the best epoch's model.

    Same input, seed and machine: same result on the CPU. When no pair is marked for validation a share of
    `config.valid_share` is taken. Raises RunError without positive and negative pairs on either side.
    """
    chosen = EnsembleConfig() if config is None else config
    rng = np.random.default_rng(seed)
    pairs = _with_validation(pairs, chosen.valid_share, rng)
    train, valid = pairs.take(pairs.split == TRAIN), pairs.take(pairs.split == VALID)
    for part, name in ((train, "training"), (valid, "validation")):
        if not 0 < int((part.label > 0.5).sum()) < len(part):
            raise RunError(f"the ensemble needs positive and negative {name} pairs: {len(part)} pairs of one kind")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = EnsembleNet(aligned.h.shape[1], aligned.h.shape[2], chosen).to(device)
        found = Ensemble(net, aligned, no_scores(*aligned.mask.shape) if scores is None else scores, device)
        return _fit(found, train, valid, _Fit(chosen, seed, device, progress))


@dataclass(frozen=True, slots=True)
class _Fit:
    config: EnsembleConfig
    seed: int
    device: str
    progress: Progress


def _fit(model: Ensemble, train: TrainingPairs, valid: TrainingPairs, fit: _Fit) -> Ensemble:
    config, net = fit.config, model.net
    data, held = _to_device(model, train), _to_device(model, valid)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    generator = torch.Generator().manual_seed(fit.seed)
    best: dict[str, Any] = copy.deepcopy(net.state_dict())
    measures: dict[str, Any] = {**_validate(net, held, config), "epoch": 0}  # the mean of stage II
    curve: list[dict[str, float]] = []
    for epoch in range(config.epochs):
        train_loss = _epoch(net, data, optimiser, config, generator)
        now = _validate(net, held, config)
        curve.append({"epoch": epoch + 1, "train_loss": train_loss, **now})
        fit.progress("ensemble", epoch + 1, config.epochs)
        if now["loss"] < measures["loss"]:
            best, measures = copy.deepcopy(net.state_dict()), {**now, "epoch": epoch + 1}
        elif epoch + 1 - measures["epoch"] >= config.patience:
            break
    fit.progress("ensemble", config.epochs, config.epochs)
    net.load_state_dict(best)
    return replace(model, metrics=_measures(model, valid, measures), curve=tuple(curve))


def _measures(model: Ensemble, valid: TrainingPairs, best: dict[str, Any]) -> dict[str, Any]:
    """Return what the run reports: `validation_auc` over all weeks, `foretold_auc` without the week of the label.

    The first is that of the pairs that stage II held out this week, each week's logit read from the half of the users
    that does not tell their labels, as the AUC of stage II is. Where no week keeps those logits it is the second.
    """
    slots = model.aligned.h.shape[1]
    own = valid.take(np.isin(valid.weeks(), (slots - 1, NO_WEEK)))
    told = model.scores.held.of(own.source, own.target)
    examined = told.scored[:, -1]
    auc = best.get("auc")
    if examined.any():
        paper = own.take(examined)
        paper = paper.take(np.unique(paper.keys(len(model.aligned.h)), return_index=True)[1])  # less silent rows
        logit = model.judge(paper.source, paper.target, held=True)[0]
        auc = area_under_curve(logit, (paper.label > 0.5).astype(np.float64))
    weight = model.judge(own.source, own.target)[1]
    return {
        "validation_auc": None if auc is None or np.isnan(auc) else auc,
        "foretold_auc": best.get("auc"),
        "validation_loss": best["loss"],
        "epochs": best.get("epoch"),
        "weeks": slots,
        "week_attention": [round(float(share), 6) for share in weight.mean(axis=0)] if len(own) else [],
        "weeks_known": [round(float(share), 6) for share in model.aligned.mask.mean(axis=0)],
        "weeks_scored": [len(keys) > 0 for keys in model.scores.pairs.keys],
        "unscored": float(model.net.stage_two.unscored.detach()),
    }


def _epoch(
    net: EnsembleNet,
    data: Batches,
    optimiser: torch.optim.Optimizer,
    config: EnsembleConfig,
    generator: torch.Generator,
) -> float:
    """Take one pass over the training pairs, or as many as an epoch has, in random order; return the mean loss."""
    net.train()
    total = 0.0
    order = torch.randperm(len(data.label), generator=generator)[: config.pairs_per_epoch].to(data.label.device)
    for rows in torch.split(order, config.batch):
        logit, eps = _predict(net, data, rows, config.week_dropout, generator)
        loss = pair_loss(logit, eps, data.label[rows], data.weight[rows], config.threshold_weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)


def _predict(
    net: EnsembleNet, data: Batches, rows: Tensor, week_dropout: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return s_uv and eps_u of some pairs (b,), each blind to the week of its label and to others by chance."""
    source, target = data.pair[:, rows]
    seen = torch.stack([data.mask[source], data.mask[target]], dim=1)  # (b, 2, T)
    seen = hide_weeks(seen, data.week[rows], week_dropout, generator)
    u, seen_u = net.tokens(data.h[source], seen[:, 0])
    v, seen_v = net.tokens(data.h[target], seen[:, 1])
    other = torch.arange(seen.shape[2], device=seen.device) != data.week[rows][:, None]
    logit, scored, asked = (x[rows] for x in data.told)
    told = (logit, scored & other, asked & other)
    eps = data.eps[source].masked_fill(~other, float("nan"))
    met = data.met[data.pair[:, rows], data.week[rows].clamp_min(0)].T  # (b, 2)
    return net.pair(u, seen_u, v, seen_v, told)[0] + net.exposure(met), net.eps(u, seen_u, eps)


def pair_loss(logit: Tensor, eps: Tensor, label: Tensor, weight: Tensor, alpha: float) -> Tensor:
    """Return L_pred + alpha L_th, means over pairs by weight: eq. 3 pulls s_uv and eps_u apart by the label's sign."""
    share = weight / weight.sum().clamp_min(1e-12)
    predicted = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
    parted = F.binary_cross_entropy_with_logits(logit - eps, label, reduction="none")
    return (share * (predicted + alpha * parted)).sum()


@torch.no_grad()
def _validate(net: EnsembleNet, valid: Batches, config: EnsembleConfig) -> dict[str, float]:
    """Return loss and AUC of the validation pairs, each from the weeks that did not give its label."""
    net.eval()
    rows = torch.arange(len(valid.label), device=valid.label.device)
    found = [_predict(net, valid, part, 0.0, torch.Generator()) for part in torch.split(rows, config.batch)]
    logit, eps = torch.cat([s for s, _ in found]), torch.cat([e for _, e in found])
    loss = float(pair_loss(logit, eps, valid.label, valid.weight, config.threshold_weight))
    label = (valid.label > 0.5).double().cpu().numpy()
    return {"loss": loss, "auc": area_under_curve(logit.double().cpu().numpy(), label)}


def _with_validation(pairs: TrainingPairs, share: float, rng: np.random.Generator) -> TrainingPairs:
    if len(pairs) == 0 or (pairs.split == VALID).any():
        return pairs
    return replace(pairs, split=(rng.random(len(pairs)) < share).astype(np.int8))


def _to_device(model: Ensemble, pairs: TrainingPairs) -> Batches:
    aligned, device = model.aligned, model.device
    logit, scored, asked = (torch.from_numpy(x).to(device) for x in model.scores.pairs.of(pairs.source, pairs.target))
    return Batches(
        h=torch.from_numpy(aligned.h).to(device),
        mask=torch.from_numpy(aligned.mask).to(device),
        pair=torch.from_numpy(np.stack([pairs.source, pairs.target])).to(device),
        label=torch.from_numpy(pairs.label).to(device),
        weight=torch.from_numpy(pairs.weight).to(device),
        week=torch.from_numpy(pairs.weeks()).to(device),
        told=(logit, scored, asked),
        eps=torch.from_numpy(model.scores.eps).to(device),
        met=torch.from_numpy(model.scores.met).to(device),
    )
