"""Results of `audience-graph evaluate users` as JSON and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from audience_trainers.users.bootstrap import Estimate
from audience_trainers.users.evaluate import UPLIFT, EvaluateOptions, Judged
from audience_trainers.users.scoring import Model


def to_json(
    dataset: str, judged: Mapping[str, Judged], models: Mapping[str, Model], options: EvaluateOptions
) -> dict[str, Any]:
    """Return `tasks`: task -> model -> measure -> mean and ci, and beside it what each number is of.

    `about` says of a task its sentence, sample, users and positives; `models` the label budgets; `differences` the
    paired differences to the reference model; `domains` the plain means over the tasks of a domain, see `domains`. A
    model that has no numbers in a task is in `left_out`, with the reason.
    """
    return {
        "dataset": dataset,
        "seeds": options.seeds,
        "replicates": options.replicates,
        "tasks": {name: _told(found.models) for name, found in judged.items()},
        "about": {name: about(found) for name, found in judged.items()},
        "models": {name: {"labels": budget(model, options.few)} for name, model in models.items()},
        "differences": {
            "reference": options.reference,
            "tasks": {name: _told(found.differences) for name, found in judged.items()},
        },
        "domains": {
            domain: {model: {key: round(mean, 6) for key, mean in found.items()} for model, found in models.items()}
            for domain, models in domains(judged).items()
        },
    }


def domains(judged: Mapping[str, Judged]) -> dict[str, dict[str, dict[str, float]]]:
    """Return domain -> model -> measure -> the mean over the tasks of that domain, in their order.

    It says how far a model carries to a domain that its training hardly described (FIND's cross-domain transfer): of
    the demo's tasks those of `security` are such, see `tasks/sets/demo.toml`. A measure without a number in any of a
    domain's tasks is not there, so that all means of a domain are of the same tasks. Tasks without a domain count
    nowhere.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for domain in dict.fromkeys(one.task.domain for one in judged.values() if one.task.domain):
        tasks = [one.models for one in judged.values() if one.task.domain == domain]
        for model in dict.fromkeys(name for models in tasks for name in models):
            own = [models.get(model, {}) for models in tasks]
            keys = dict.fromkeys(key for measures in own for key in measures)
            means = {key: float(np.mean([m[key].mean if key in m else np.nan for m in own])) for key in keys}
            if told := {key: mean for key, mean in means.items() if not np.isnan(mean)}:
                found.setdefault(domain, {})[model] = told
    return found


def about(found: Judged) -> dict[str, Any]:
    """Return what a task's numbers are of."""
    task = found.task
    told = {
        "sentence": task.sentence,
        "sample": task.note,
        "domain": task.domain,
        "cut": datetime.fromtimestamp(task.cut, UTC).isoformat(),
        "days": (task.end - task.cut) / 86_400,
        "users": found.users,
        "positives": found.positives,
    }
    told |= {"left_out": found.left_out} if found.left_out else {}
    return told | ({"effect": found.effect.to_dict()} if found.effect is not None else {})


def budget(model: Model, few: int) -> str:
    """Return a model's labels in words."""
    return {"none": "none", "few": f"{few} + {few}", "fitting": "fitting part (1/5)"}[model.labels]


def table_rows(judged: Mapping[str, Judged], measure: str) -> list[dict[str, str]]:
    """Return a row per task: users, share of positives, and one measure of every model with its interval.

    Beside an uplift in the top decile stands the effect of the treatment over everybody.
    """
    return [
        {"task": name, "users": f"{found.users:,}", "positive": f"{found.positives / found.users:.1%}"}
        | ({"everybody": cell(found.effect)} if measure == UPLIFT else {})
        | {model: cell(measures.get(measure)) for model, measures in found.models.items()}
        for name, found in judged.items()
    ]


def domain_rows(judged: Mapping[str, Judged], measure: str) -> list[dict[str, str]]:
    """Return a row per domain: how many tasks, and the mean of one measure of every model, see `domains`."""
    tasks = Counter(found.task.domain for found in judged.values())
    return [
        {"task": f"mean of {domain}", "users": f"{tasks[domain]} task{'s' if tasks[domain] > 1 else ''}"}
        | {model: f"{found[measure]:.3f}".removeprefix("0") for model, found in models.items() if measure in found}
        for domain, models in domains(judged).items()
    ]


def cell(found: Estimate | None) -> str:
    """Return `.712 (.690-.731)`, or nothing where there is no number."""
    if found is None or found.mean != found.mean:
        return ""
    mean, low, high = (f"{value:.3f}".removeprefix("0") for value in (found.mean, found.low, found.high))
    return f"{mean} ({low}-{high})"


def _told(models: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {name: {key: value.to_dict() for key, value in found.items()} for name, found in models.items()}
