"""node2vec (Grover & Leskovec 2016): skip-gram over second-order walks, biased by p (return) and q (in-out)."""

from __future__ import annotations

from audience_trainers.relations.baselines.deepwalk import LENGTH, WALKS, fit_walks
from audience_trainers.relations.baselines.walks import WalkPlan
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training


def fit_node2vec(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Walk by p and q of the setting, learn 128 dims, decode."""
    plan = WalkPlan(WALKS, LENGTH, p=setting.get("p", 1.0), q=setting.get("q", 1.0))
    return fit_walks(training, plan, window=setting.get("window", 2), options=options)
