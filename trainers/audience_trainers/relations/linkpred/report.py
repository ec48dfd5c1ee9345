"""What a comparison says: one JSON object, table rows, and the files of `--out`."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from audience_trainers.relations.linkpred.evaluate import Compared
from audience_trainers.relations.linkpred.kept import Row
from audience_trainers.relations.linkpred.paired import Interval, paired_difference, t_interval

Negatives = Literal["random", "hard", "both"]
REFERENCE = "alpc"
MEASURES = ("auc", "ap", "hits@20", "hits@50", "hits@100", "acc")


def to_json(compared: Compared, negatives: Negatives, *, reference: str = REFERENCE) -> dict[str, Any]:
    """Return {"negatives", "models", "reference", "differences", ...}.

    `models[name][measure]` = {"mean", "ci": [low, high]} over the seeds; `differences[name][measure]` = {"mean", "ci",
    "p"}: the model less the reference, paired by seed. With `both` a level `random` / `hard` lies between name and
    measure. `details[name]` holds the chosen setting, mean validation AUC, seconds a fit, and whether the model
    is deterministic (fitted once: its interval is a point).
    """
    told: dict[str, Any] = {"negatives": negatives}
    names = by_auc(compared, "hard" if negatives == "hard" else "random")
    told["models"] = {name: _per_kind(negatives, lambda kind, n=name: _means(compared.rows[n], kind)) for name in names}
    told["reference"] = reference if reference in compared.rows else None
    if told["reference"] is not None:
        told["differences"] = {
            name: _per_kind(negatives, lambda kind, n=name: _differences(compared, n, reference, kind))
            for name in names
            if name != reference
        }
    told["details"] = {name: _details(compared, name) for name in names}
    told["unavailable"] = dict(compared.unavailable)
    return told | {"task": compared.task, "data": compared.data, "seeds": compared.seeds}


def by_auc(compared: Compared, kind: str) -> list[str]:
    """Return the measured models, best mean AUC first."""
    means = {name: _interval(rows, kind, "auc").mean for name, rows in compared.rows.items()}
    return sorted(means, key=lambda name: (-means[name], name))


def table_rows(compared: Compared, kind: str, *, reference: str = REFERENCE) -> list[dict[str, str]]:
    """Return the rows of the terminal's table: mean ± half of the 95% interval, in percent, best AUC first."""
    table = []
    for name in by_auc(compared, kind):
        row = {"model": name, "fits": "1" if name in compared.deterministic else str(len(compared.rows[name]))}
        for measure in MEASURES:
            if measure in compared.rows[name][0].measures[kind]:
                row[measure] = _percent(_interval(compared.rows[name], kind, measure))
        if reference in compared.rows and name != reference:
            found = _differences(compared, name, reference, kind)["auc"]
            sign = "" if found["p"] is None else f" (p {'< .001' if found['p'] < 0.001 else format(found['p'], '.3f')})"
            row[f"auc - {reference}"] = f"{100 * found['mean']:+.2f}{sign}"
        table.append(row)
    table += [{"model": name, "auc": f"not measured: {why}"} for name, why in compared.unavailable.items()]
    return table


def write_results(folder: Path, compared: Sequence[Compared], told: Mapping[str, Any]) -> None:
    """Write results.json (the printed object) and results.csv (one row per task, model, seed and kind of negative)."""
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    columns = [
        "task",
        "model",
        "setting",
        "seed",
        "negatives",
        "valid_auc",
        *MEASURES,
        "seconds",
        "device",
        "data",
        "code",
    ]
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for task, row in ((c.task, row) for c in compared for rows in c.rows.values() for row in rows):
            plain = {"task": task} | {k: v for k, v in dataclasses.asdict(row).items() if k in columns}
            for kind, measures in row.measures.items():
                setting = json.dumps(dict(row.setting), sort_keys=True)
                writer.writerow(plain | {"setting": setting, "negatives": kind} | measures)


def _per_kind(negatives: Negatives, make: Any) -> Any:
    return {kind: make(kind) for kind in ("random", "hard")} if negatives == "both" else make(negatives)


def _means(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    found = {}
    for measure in rows[0].measures[kind]:
        interval = _interval(rows, kind, measure)
        found[measure] = {"mean": interval.mean, "ci": [interval.low, interval.high]}
    return found


def _differences(compared: Compared, name: str, reference: str, kind: str) -> dict[str, Any]:
    first, second = _aligned(compared, name), _aligned(compared, reference)
    found = {}
    for measure in first[0].measures[kind]:
        difference = paired_difference(
            [row.measures[kind][measure] for row in first], [row.measures[kind][measure] for row in second]
        )
        found[measure] = {"mean": difference.mean, "ci": [difference.low, difference.high], "p": difference.p}
    return found


def _aligned(compared: Compared, name: str) -> Sequence[Row]:
    """Return one row per seed; the row of a deterministic model stands for every seed."""
    rows = compared.rows[name]
    return [rows[0]] * compared.seeds if name in compared.deterministic else rows


def _details(compared: Compared, name: str) -> dict[str, Any]:
    rows = compared.rows[name]
    return {
        "setting": dict(rows[0].setting),
        "valid_auc": t_interval([row.valid_auc for row in rows]).mean,
        "seconds": t_interval([row.seconds for row in rows]).mean,
        "deterministic": name in compared.deterministic,
    }


def _interval(rows: Sequence[Row], kind: str, measure: str) -> Interval:
    return t_interval([row.measures[kind][measure] for row in rows])


def _percent(interval: Interval) -> str:
    half = 100 * (interval.high - interval.mean)
    return f"{100 * interval.mean:.2f}" + (f" ± {half:.2f}" if half > 0 else "")
