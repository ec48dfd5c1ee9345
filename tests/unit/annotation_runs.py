"""A small finished run folder with a known truth, for tests of sampling, annotating and drawing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from audience_trainers.relations.config import MineConfig
from audience_trainers.run import RunFolder, create_run

PROVENANCE = np.array(["co-occurrence", "semantic", "both"], dtype=object)
NAMES = ("tea 😀", 'the "best" tea', "茶", "=1+1", "tea, green", "<b>tea</b>")


@dataclass(frozen=True, slots=True)
class World:
    """The run and the grade of every candidate by (source id, target id)."""

    run: RunFolder
    grades: dict[tuple[str, str], float]


def make_run(runs: Path, *, n: int = 60, degree: int = 40, seed: int = 0, week: str = "2026-W30") -> World:
    """Write a mining run whose logits foretell the grades, not perfectly: relations are the upper quarter."""
    rng = np.random.default_rng(seed)
    run = create_run(runs, kind="mine", week=week, as_of=date(2026, 7, 26), config=MineConfig(), seed=seed)
    ids = [f"e{i:05d}" for i in range(n)]
    names = [NAMES[i] if i < len(NAMES) else f"thing {i}" for i in range(n)]
    source = np.repeat(np.arange(n), degree)
    target = np.concatenate([np.sort(rng.permutation(np.delete(np.arange(n), i))[:degree]) for i in range(n)])
    logit = rng.normal(0, 1.5, len(source)) + 0.4 * np.sin(source)
    grade = np.select([logit + rng.normal(0, 1.0, len(source)) > c for c in (0.8, -0.4)], [1.0, 0.5], 0.0)
    provenance = PROVENANCE[np.clip(np.digitize(logit + rng.normal(0, 1, len(source)), [-0.5, 2.2]), 0, 2)]
    threshold = 0.9 + 0.2 * np.sin(np.arange(n))
    keep = logit > threshold[source]
    score = 1 / (1 + np.exp(-logit))
    run.write_table("entities", pa.table({"entity_id": ids, "name": names, "type": ["thing"] * n}))
    mentions = rng.choice(n, 5 * n, p=(1 / np.arange(1, n + 1)) / (1 / np.arange(1, n + 1)).sum())
    run.write_table("sequences", pa.table({"entity_id": [ids[i] for i in mentions]}))
    numbers = {"source": source.astype(np.int32), "target": target.astype(np.int32)}
    run.write_table("candidates", pa.table({**numbers, "provenance": provenance.tolist(), "logit": logit}))
    run.write_table(
        "relations",
        pa.table(
            {
                "source_id": [ids[i] for i in source[keep]],
                "target_id": [ids[i] for i in target[keep]],
                "score": score[keep],
                "logit": logit[keep],
                "margin": logit[keep] - threshold[source[keep]],
                "rank": pa.array(np.ones(int(keep.sum())), pa.int32()),
                "provenance": provenance[keep].tolist(),
            }
        ),
    )
    run.write_table("thresholds", pa.table({"entity_id": ids, "threshold": threshold}))
    run.write_json("metrics", {"entities": n, "candidates": len(source), "relations": int(keep.sum())})
    pairs = [(ids[u], ids[v]) for u, v in zip(source.tolist(), target.tolist(), strict=True)]
    return World(run, dict(zip(pairs, grade.tolist(), strict=True)))
