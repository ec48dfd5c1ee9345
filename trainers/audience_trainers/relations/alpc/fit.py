"""ALPC as rows of the evaluation: fit on a folder's training edges, score any pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.edge_folds import Material, course_from_edges
from audience_trainers.relations.alpc.encode import encode_all, score_pairs, thresholds
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.train import TrainOptions, train_alpc
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Pairs, Training, Values

STRUCTURE_STEPS: Setting = {"epochs": 10, "learning_rate": 0.0015}


class AlpcScorer:
    """s_uv and margins of pairs by a trained model that reads all training edges."""

    def __init__(self, model: Alpc, z: Tensor, material: Material) -> None:
        self._model, self._z, self._material = model, z, material
        self._eps = thresholds(model, z) if material.config.alpha else np.zeros(material.training.n)

    def __call__(self, pairs: Pairs) -> Values:
        """Return s_uv (p,) of pairs (2, p)."""
        return score_pairs(self._model, self._z, pairs, self._material.features(pairs))

    def margins(self, pairs: Pairs) -> Values:
        """Return s_uv - eps_u (p,); eps is 0 for a model without the threshold head."""
        return np.asarray(self(pairs) - self._eps[pairs[0]])


def fit_alpc(training: Training, setting: Setting, options: FitOptions) -> AlpcScorer:
    """Train ALPC (EGL eq. 1-5) and return its scorer; `setting` holds what differs from the defaults."""
    config = replace(AlpcConfig(), **setting)
    course, material = course_from_edges(training, config, seed=options.seed)
    trained = train_alpc(course, config, TrainOptions(options.seed, options.device, progress=options.progress))
    z = encode_all(trained.model, course.examination.view, device=options.device)
    return AlpcScorer(trained.model, z, material)


def fit_alpc_without_threshold(training: Training, setting: Setting, options: FitOptions) -> AlpcScorer:
    """Train ALPC without the adaptive threshold task (alpha = 0): one cut for all sources."""
    return fit_alpc(training, {**setting, "alpha": 0.0}, options)


def fit_alpc_without_contrast(training: Training, setting: Setting, options: FitOptions) -> AlpcScorer:
    """Train ALPC without the contrastive task (beta = 0)."""
    return fit_alpc(training, {**setting, "beta": 0.0}, options)


def fit_alpc_structure(training: Training, setting: Setting, options: FitOptions) -> AlpcScorer:
    """Train ALPC whose g also reads the structural features of the pair, which are learned in fewer, smaller steps."""
    return fit_alpc(training, {**STRUCTURE_STEPS, **setting, "structure": True}, options)


def fit_structure_alone(training: Training, setting: Setting, options: FitOptions) -> AlpcScorer:
    """Train the same g on the structural features alone: `alpc+structure` without z."""
    return fit_alpc(training, {**setting, "structure": True, "use_z": False, "beta": 0.0}, options)
