"""Tasks x models on one folder: scores at the cut, judged on the evaluation part of each split (FIND 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from audience_graph.errors import ConfigError, InputError
from audience_trainers.run import Progress, silent
from audience_trainers.users.bootstrap import Estimate, difference, estimate, replicates
from audience_trainers.users.measures import MEASURES, Values, fit_cut, measure
from audience_trainers.users.question import Question, read_question
from audience_trainers.users.scoring import Model, Needs, Options, Scorer
from audience_trainers.users.split import Rows
from audience_trainers.users.tasks.history import History, read_history
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.tasks.task import Task
from audience_trainers.users.uplift import effect, uplift, uplift_replicates

UPLIFT = "uplift"


class AtCut(Protocol):
    """What is done with a cut's tasks once they are judged, with the same options: what is shared is made already."""

    def __call__(self, history: History, options: Options, questions: Sequence[Question], *, alone: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Seeds 0, 1, ... each with a split of its own; bootstrap replicates over all seeds; size of a few-shot set."""

    seeds: int = 5
    replicates: int = 1_000
    few: int = 5
    cache: Path | None = None
    reference: str = "bm25"
    settings: tuple[str, ...] = ()
    progress: Progress = silent
    training: int = 7  # the seed of the user model, of which one is trained per cut
    at_cut: AtCut | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the models reached in a task. `left_out` says why a model has no numbers here."""

    task: Task
    users: int
    positives: int
    models: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]
    left_out: dict[str, str]
    effect: Estimate | None = None


@dataclass(slots=True)
class _Tally:
    """The plain values of a model's seeds, and their replicates, by measure."""

    values: dict[str, list[float]] = field(default_factory=dict)
    drawn: dict[str, list[Values]] = field(default_factory=dict)

    def add(self, key: str, value: float, drawn: Values) -> None:
        self.values.setdefault(key, []).append(value)
        self.drawn.setdefault(key, []).append(drawn)

    def pair(self, key: str) -> tuple[Sequence[float], Sequence[Values]]:
        return self.values[key], self.drawn[key]


def choose_tasks(folder: Path, names: str | None) -> list[Task]:
    """Return the tasks of a folder, or those of a comma-separated list. Raises ConfigError for an unknown name."""
    tasks = read_tasks(folder)
    wanted = list(tasks) if names is None else [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in tasks]
    if unknown or not wanted:
        raise ConfigError(f"{folder}: no task {', '.join(map(repr, unknown))}", hint=f"tasks: {', '.join(tasks)}")
    return [tasks[name] for name in wanted]


def evaluate_users(
    folder: Path, tasks: Sequence[Task], models: Mapping[str, Model], options: EvaluateOptions
) -> dict[str, Judged]:
    """Return what the models reach in the tasks of a folder, by task. Models are prepared once per cut.

    A model that cannot learn from what lies before a cut is left out there, with the reason.
    """
    source = open_source(folder)
    judged: dict[str, Judged] = {}
    cuts = sorted({task.cut for task in tasks})
    for cut in cuts:
        history = read_history(source, cut)
        prepared: dict[str, Scorer] = {}
        failed: dict[str, str] = {}
        questions: list[Question] = []
        own = Options(
            folder, options.cache, settings=options.settings, progress=options.progress, training=options.training
        )
        for task in (task for task in tasks if task.cut == cut):
            question = read_question(task, source, history)
            questions.append(question)
            usable, left_out = _usable(models, history, question, own)
            for name in usable:
                if name not in prepared and name not in failed:
                    try:
                        prepared[name] = models[name].load()(history, own)
                    except InputError as exc:
                        failed[name] = exc.message
            left_out |= {name: failed[name] for name in usable if name in failed}
            scorers = {name: prepared[name] for name in usable if name in prepared}
            judged[task.name] = _judge(question, scorers, models, left_out, options)
            options.progress(task.name, len(judged), len(tasks))
        if options.at_cut is not None:
            options.at_cut(history, own, questions, alone=len(cuts) == 1)
    return {task.name: judged[task.name] for task in tasks}


def _judge(
    question: Question,
    scorers: Mapping[str, Scorer],
    models: Mapping[str, Model],
    left_out: dict[str, str],
    options: EvaluateOptions,
) -> Judged:
    found, arms = question.found, question.arms
    tallies = {name: _Tally() for name in scorers}
    scores: dict[str, Values] = {}
    for seed in range(options.seeds):
        split, cuts = question.split(seed), {}
        for name, scorer in scorers.items():
            model = models[name]
            if name not in scores or model.drawn or model.labels != "none":
                told = question.told(model, split.fitting, few=options.few, seed=seed)
                scores[name] = question.ask(scorer, told, seed)
            unseen = scores[name][split.fitting]
            if model.labels == "fitting":
                unseen = question.unseen(scorer, split.fitting, scores[name], seed=seed)
            cuts[name] = fit_cut(unseen, found.y[split.fitting])
        _tally(tallies, question, scores, cuts, split.evaluation, (seed, -(-options.replicates // options.seeds)))
    return Judged(
        task=question.task,
        users=int(question.judged.sum()),
        positives=int(found.y[question.judged].sum()),
        models={name: {key: estimate(*tally.pair(key)) for key in tally.values} for name, tally in tallies.items()},
        differences=_differences(tallies, options.reference),
        left_out=left_out,
        effect=None if arms is None else effect(found.y, arms, count=options.replicates, seed=0),
    )


def _tally(
    tallies: dict[str, _Tally],
    question: Question,
    scores: dict[str, Values],
    cuts: dict[str, float],
    evaluation: Rows,
    drawing: tuple[int, int],
) -> None:
    """Add one seed: everything but the cut is of the evaluation part. `drawing` is the seed and how many replicates."""
    (seed, count), found = drawing, question.found
    rows = evaluation[question.judged[evaluation]]
    own = {name: score[rows] for name, score in scores.items()}
    drawn = replicates(own, found.y[rows], cuts, count=count, seed=seed)
    for name, tally in tallies.items():
        plain = measure(own[name], found.y[rows], cut=cuts[name])
        for key in MEASURES:
            tally.add(key, float(plain[key][0]), drawn[name][key])
        if question.arms is not None:
            both = scores[name][evaluation], found.y[evaluation], question.arms[evaluation]
            tally.add(UPLIFT, uplift(*both), uplift_replicates(*both, count=count, seed=seed))


def _usable(
    models: Mapping[str, Model], history: History, question: Question, options: Options
) -> tuple[dict[str, Model], dict[str, str]]:
    lacking: dict[Needs, str] = {}
    if not question.matching.any():
        lacking["matching"] = "the query counts no past event"
    if not any(setting.startswith("folder=") for setting in options.own("arallm")):
        lacking["language model"] = "no causal language model: --set arallm.folder=FOLDER"
    if len(history.user) == 0:
        lacking |= dict.fromkeys(("events", "matching", "language model"), "no events before the cut")
    if not history.profile:
        lacking["profile"] = "no profile columns at the cut"
    left_out = {name: lacking[model.needs] for name, model in models.items() if model.needs in lacking}
    return {name: model for name, model in models.items() if name not in left_out}, left_out


def _differences(tallies: dict[str, _Tally], reference: str) -> dict[str, dict[str, Estimate]]:
    if reference not in tallies:
        return {}
    against = tallies[reference]
    return {
        name: {key: difference(tally.pair(key), against.pair(key)) for key in tally.values}
        for name, tally in tallies.items()
        if name != reference
    }
