"""Many models on one task: the same split, the same budget of tuning, the same measures, seed by seed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audience_graph.errors import StackError, StoreError
from audience_trainers.relations.linkpred.kept import KeptRows, Measures, Row, data_hash
from audience_trainers.relations.linkpred.models import Model, Setting
from audience_trainers.relations.linkpred.ranking import accuracy_at, area_under_curve, ranking_measures
from audience_trainers.relations.linkpred.servers import ServersOnDemand
from audience_trainers.relations.linkpred.task import FitOptions, Judged, LinkTask, Scorer, Training, WithMargins
from audience_trainers.run import Progress, code_version, silent


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """How to compare: seeds 0 .. `seeds` - 1, device, whether settings are chosen on validation, where rows are kept.

    `lenient`: a model whose server does not answer becomes a row that says so, instead of an error. `progress` counts
    fits, `inside` is told what a model says of its steps.
    """

    seeds: int = 5
    device: str = "cpu"
    tune: bool = True
    folder: Path | None = None
    lenient: bool = False
    data_dir: str | None = None
    progress: Progress = silent
    inside: Progress = silent


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows by model, in the order of the seeds; a deterministic model has one row, which stands for every seed."""

    task: str
    data: str
    seeds: int
    rows: Mapping[str, Sequence[Row]]
    deterministic: frozenset[str]
    unavailable: Mapping[str, str] = field(default_factory=dict)


def evaluate_models(task: LinkTask, models: Mapping[str, Model], options: EvaluateOptions) -> Compared:
    """Fit every model and measure it on every test of the task.

    Each setting of a model's grid is fitted with the first seed; the best AUC on the validation pairs decides, and
    that fit counts as the first seed's row. Validation negatives are those of the task, for the hard test too. Rows
    are kept as they finish: whatever stops this, the same call with the same folder goes on from there.
    """
    total = sum(_count(model, options) for model in models.values())
    rows: dict[str, list[Row]] = {}
    unavailable: dict[str, str] = {}
    with ServersOnDemand(options.data_dir) as servers:
        fits = _Fits(task, options, total, servers)
        for name, model in models.items():
            try:
                rows[name] = _rows_of(name, model, fits, options)
            except (StoreError, StackError) as exc:
                if not options.lenient:
                    raise
                unavailable[name] = exc.message
                options.progress(f"{name}: not measured, {exc.message}", fits.skip(_count(model, options)), total)
    fixed = frozenset(name for name in rows if models[name].deterministic)
    return Compared(task.name, fits.data, options.seeds, rows, fixed, unavailable)


def _count(model: Model, options: EvaluateOptions) -> int:
    settings = len(model.grid) if options.tune else 1
    return settings if model.deterministic else settings + options.seeds - 1


def _rows_of(name: str, model: Model, fits: _Fits, options: EvaluateOptions) -> list[Row]:
    grid = model.grid if options.tune else model.grid[:1]
    tried = [fits.row(name, model, setting, 0) for setting in grid]
    best = max(range(len(tried)), key=lambda i: (tried[i].valid_auc, -i))
    if model.deterministic:
        return [tried[best]]
    return [tried[best], *(fits.row(name, model, grid[best], seed) for seed in range(1, options.seeds))]


class _Fits:
    """Fits one model at a time, unless its row is kept already; counts for the progress."""

    def __init__(self, task: LinkTask, options: EvaluateOptions, total: int, servers: ServersOnDemand) -> None:
        self._task, self._options, self._total, self._servers = task, options, total, servers
        self._kept = KeptRows(options.folder)
        self._done = 0
        self._code = code_version()
        self.data = data_hash(task)

    def skip(self, count: int) -> int:
        """Count fits that are not made; return how many are behind us."""
        self._done = min(self._done + count, self._total)
        return self._done

    def row(self, name: str, model: Model, setting: Setting, seed: int) -> Row:
        """Return the finished row of one fit."""
        row = self._kept.find(name, setting, seed, self.data)
        words = "kept"
        if row is None:
            row = self._fit(name, model, setting, seed)
            self._kept.keep(row)
            words = f"{row.seconds:.1f} s"
        elif row.code != self._code:
            words = f"kept, measured by {row.code}"
        shown = ", ".join(f"{key}={value}" for key, value in setting.items())
        step = f"{name} seed {seed}{f' ({shown})' if shown else ''}: validation AUC {row.valid_auc:.4f}, {words}"
        self._options.progress(step, self.skip(1), self._total)
        return row

    def _fit(self, name: str, model: Model, setting: Setting, seed: int) -> Row:
        options = self._options
        if model.servers:
            self._servers.need()
        begun = time.perf_counter()
        fit = FitOptions(seed=seed, device=options.device, progress=options.inside, data_dir=options.data_dir)
        scorer = model.load()(self._task.training, setting, fit)
        measures = {kind: measure(scorer, judged) for kind, judged in self._task.test.items()}
        return Row(
            model=name,
            setting=dict(setting),
            seed=seed,
            data=self.data,
            device=options.device,
            valid_auc=validation_auc(scorer, self._task.training),
            measures=measures,
            seconds=time.perf_counter() - begun,
            code=self._code,
        )


def validation_auc(scorer: Scorer, training: Training) -> float:
    """Return the AUC on the validation pairs: what a setting is chosen by."""
    judged = Judged(training.valid_positive, training.valid_negative)
    return area_under_curve(scorer(judged.pairs()), judged.labels())


def measure(scorer: Scorer, judged: Judged) -> Measures:
    """Return auc, ap, hits@K, and `acc` where the truth of the pairs is known.

    acc: as many pairs are predicted as there are positives, the best by margin s_uv - eps_u where the model has
    thresholds, else by score; acc is the share of them that are true (a grade of 0.5 counts, as in EGL IV-A1).
    """
    pairs = judged.pairs()
    score = scorer(pairs)
    found = ranking_measures(score, judged.labels())
    if judged.truth is not None:
        decided = scorer.margins(pairs) if isinstance(scorer, WithMargins) else score
        found["acc"] = accuracy_at(decided, judged.truth, judged.positive.shape[1])
    return found
