"""Stage II of one mining run: train on the users' halves, score all candidates, and explore pairs outside G^C."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from torch import Tensor

from audience_graph.errors import RunError
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.encode import encode_all, score_pairs, thresholds
from audience_trainers.relations.alpc.explore import EXPLORED, seen_only, try_explored, with_explored
from audience_trainers.relations.alpc.lessons import Course, Examination
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.offsets import source_offsets
from audience_trainers.relations.alpc.train import TrainOptions, train_alpc
from audience_trainers.relations.alpc.user_folds import Heard, SkipGram, UserMaterial, course_from_users
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.candidates import Candidates
from audience_trainers.relations.ensemble.pairs import TRAIN, VALID, TrainingPairs
from audience_trainers.relations.ensemble.scores import Scored, WeekScores
from audience_trainers.relations.linkpred.task import Floats, Pairs, Values
from audience_trainers.relations.together import Closeness
from audience_trainers.run import Progress, silent

KEPT_DAYS = 7


@dataclass(frozen=True, slots=True)
class RankOptions:
    """How one run ranks: its seed and device, the folder of its checkpoint, whom to tell.

    `cut` is the margin beyond its source's threshold that will make a pair a relation.
    """

    seed: int
    device: str = "cpu"
    folder: Path | None = None
    progress: Progress = silent
    cut: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Scored pairs: all candidates and the explored ones, with logits s_uv (p,), eps_u (n,), z (n, d).

    `pairs` are what the model was trained and validated on, `held` the latter with logits read from one half of the
    users, whose labels the other half tells, `graph` the evidence of all users, `curves` (epoch, name,
    value). `valid_auc` is the AUC of the best epoch on candidates that it was not trained on, None when these are all
    of one kind.
    """

    candidates: Candidates
    logit: Values
    thresholds: Values
    z: Floats
    graph: sp.csr_matrix
    pairs: TrainingPairs
    curves: list[tuple[int, str, float]]
    valid_auc: float | None
    metrics: dict[str, Any]
    held: Scored

    def scores(self, behaviour: Behaviour) -> WeekScores:
        """Return what the weekly ensemble reads of this week, now and in the weeks to come."""
        met = np.log1p(np.bincount(behaviour.entity, minlength=behaviour.entities))
        return WeekScores(
            pairs=Scored(self.candidates.source, self.candidates.target, self.logit),
            eps=self.thresholds.astype(np.float32),
            met=met.astype(np.float32),
            held=self.held,
        )


def rank_candidates(
    heard: Heard, config: AlpcConfig, closeness: Closeness, skip: SkipGram, options: RankOptions
) -> Ranked:
    """Train ALPC on a week's behaviour and score its candidates, and unknown pairs that are near in the space of z.

    The score of an explored pair is discounted so that it means what a candidate's means (see `try_explored`).

    With a folder in the options, a killed training goes on from its last epoch. z of an entity that no user met and
    no text places near another one is a zero row: it has nothing to say this week. Raises RunError when no candidate
    is borne out: there is nothing to learn from.
    """
    course, material = course_from_users(heard, config, closeness, skip, seed=options.seed)
    positives = sum(course.lesson(k).positive.shape[1] for k in range(course.lessons))
    if positives == 0:
        raise RunError(
            f"nothing to learn: none of {len(heard.candidates):,} candidates is borne out by half of the users",
            hint="load more events, read more days (--set days=60), or mine with --set model=walk",
        )
    key = f"{course_key(course, config)}-{options.seed}"
    with _checkpoints(options.folder, key) as folder:
        train = TrainOptions(options.seed, options.device, folder, key, progress=options.progress)
        trained = train_alpc(course, config, train)
    z = encode_all(trained.model, material.view, device=options.device)
    vectors = seen_only(z.float().cpu().numpy(), material.view)
    candidates = with_explored(heard, vectors, config.explore)
    half = material.halves[0]
    seen = encode_all(trained.model, half.view, device=options.device)
    trial = try_explored(trained.model, seen, heard, half, course, cut=options.cut)
    valid_auc = None if np.isnan(trained.valid_auc) else trained.valid_auc
    pairs = np.stack([candidates.source, candidates.target])
    explored = candidates.provenance == EXPLORED
    return Ranked(
        candidates=candidates,
        logit=score_pairs(trained.model, z, pairs, material.features(pairs)) - trial.discount * explored,
        thresholds=source_thresholds(trained.model, z, heard, material, options.device),
        z=vectors,
        graph=material.evidence.graph,
        pairs=training_pairs(course, config.negatives),
        curves=trained.curves,
        valid_auc=valid_auc,
        metrics={
            "valid_auc": valid_auc,
            "epochs": max(epoch for epoch, _, _ in trained.curves),
            "positives": positives,
            "explored_pairs": int(explored.sum()),
            "explored": trial.to_dict(),
        },
        held=_examined(trained.model, seen, course.examination),
    )


def _examined(model: Alpc, z: Tensor, paper: Examination) -> Scored:
    logit = score_pairs(model, z, paper.pairs, paper.features)
    return Scored(paper.pairs[0], paper.pairs[1], logit.astype(np.float32))


def source_thresholds(model: Alpc, z: Tensor, heard: Heard, material: UserMaterial, device: str) -> Values:
    """Return eps_u (n,) of all entities: 0 without the threshold task, else by eq. 3, and the source's own offset if
    `source_ridge` asks for one.

    The offset comes from all candidates, as one half of the users shows them and the other half bears them out.
    """
    config, n = material.config, len(heard.text)
    eps = thresholds(model, z) if config.alpha else np.zeros(n)
    if not config.source_ridge:
        return eps
    pairs = np.stack([heard.candidates.source, heard.candidates.target])
    margins, labels = [], []
    for half in material.halves:
        seen = encode_all(model, half.view, device=device)
        own = thresholds(model, seen) if config.alpha else np.zeros(n)
        margins.append(score_pairs(model, seen, pairs, half.features(pairs), exposed=True) - own[pairs[0]])
        labels.append(half.told.borne_out(*pairs).astype(np.float64))
    source, margin, label = np.tile(pairs[0], 2), np.concatenate(margins), np.concatenate(labels)
    return eps + source_offsets(source, margin, label, n, ridge=config.source_ridge)


def training_pairs(course: Course, negatives: int) -> TrainingPairs:
    """Return what the lessons and the examination asked, each lesson with its negatives of one draw (p,)."""
    parts: list[tuple[Pairs, npt.NDArray[np.float32], npt.NDArray[np.float32], int]] = []
    for place in range(course.lessons):
        lesson = course.lesson(place)
        negative, _ = lesson.draw_negatives(negatives * lesson.positive.shape[1], np.random.default_rng(place))
        for pairs, label, weight in (
            (lesson.positive, 1.0, lesson.weight),
            (negative, 0.0, np.ones(negative.shape[1], np.float32)),
        ):
            parts.append((pairs, np.full(pairs.shape[1], label, np.float32), weight, TRAIN))
    paper = course.examination
    ones = np.ones(paper.pairs.shape[1], np.float32)
    parts.append((paper.pairs, paper.labels.astype(np.float32), ones, VALID))
    pairs = np.concatenate([part[0] for part in parts], axis=1)
    return TrainingPairs(
        source=pairs[0],
        target=pairs[1],
        label=np.concatenate([part[1] for part in parts]),
        weight=np.concatenate([part[2] for part in parts]),
        split=np.concatenate([np.full(part[0].shape[1], part[3], np.int8) for part in parts]),
    )


@contextmanager
def _checkpoints(base: Path | None, key: str) -> Iterator[Path | None]:
    """Give a folder for the checkpoints of one training, and remove it when the training has ended.

    What a killed run left stays for the next one of the same inputs, or for KEPT_DAYS.
    """
    if base is None:
        yield None
        return
    folder = base / key[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for old in base.iterdir():
        if old != folder and time.time() - old.stat().st_mtime > KEPT_DAYS * 86_400:
            shutil.rmtree(old, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def course_key(course: Course, config: AlpcConfig) -> str:
    """Return what a checkpoint belongs to: the settings, and a digest of the course's inputs, pairs and weights."""
    digest = hashlib.sha256(repr(config).encode())
    paper = course.examination
    arrays = [paper.view.x, paper.pairs, paper.labels, course.known]
    for place in range(course.lessons):
        lesson = course.lesson(place)
        arrays += [lesson.positive, lesson.weight, np.zeros(0) if lesson.fixed is None else lesson.fixed]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
