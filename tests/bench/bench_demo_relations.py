"""Relations of the demo world: ALPC's precision at the recall that the plain scorer has at precision .80.

    python tests/bench/bench_demo_relations.py [--worlds 7 8 9] [--set alpc.epochs=20 ...]

Both scorers mine the same day of the same world, in turn, without servers. All their scored pairs are ranked by margin
s_uv - eps_u; the planted truth of that day judges. Settings were tuned on worlds 5, 6, 101 and 102. Also printed: what
each publishes, and how right the explored pairs are, those that stage I did not propose. Exits 1 when the mean
precision of ALPC over the worlds is under .95.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench_table_one import Grades, World, make_world

from audience_graph.demo import AS_OF
from audience_graph.ingest import load
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import MineOptions, mine_dictionary
from audience_trainers.relations.pipeline import Overlay
from audience_trainers.run import RunFolder, resolve_config

PLAIN_PRECISION, BAR = 0.80, 0.95
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scored pairs by falling margin: precision and recall after each (p,); what is published; the explored ones."""

    precision: Values
    recall: Values
    published: tuple[int, float, float]  # number, precision, recall
    explored: tuple[int, float]  # published explored pairs and their precision

    def recall_at(self, precision: float) -> float:
        """Return the highest recall at which precision is still that high."""
        return float(self.recall[self.precision >= precision].max(initial=0.0))

    def precision_at(self, recall: float) -> float:
        """Return the precision of the shortest list with that recall; 0 when no list has it."""
        place = int(np.searchsorted(self.recall, recall))
        return float(self.precision[place]) if place < len(self.recall) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--size", default="small")
    parser.add_argument("--set", dest="given", nargs="*", default=[], metavar="KEY=VALUE", help="Settings of ALPC.")
    options = parser.parse_args()
    found = [compare(seed, options.size, options.given) for seed in options.worlds]
    mean = float(np.mean(found))
    print(f"mean precision of ALPC {mean:.3f} (bar {BAR:.2f})")
    sys.exit(0 if mean >= BAR else 1)


def compare(seed: int, size: str, given: Sequence[str]) -> float:
    """Mine one world with both scorers, print what they found, and return ALPC's precision at the plain recall."""
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), size, seed)
        load("corpus", Path(folder) / "demo" / "corpus.parquet", home=world.home)
        plain, walk_seconds = mine(world, MineConfig(plots=False))
        learned, alpc_seconds = mine(world, replace(resolve_config(MineConfig, given), model="alpc", plots=False))
    recall = plain.recall_at(PLAIN_PRECISION)
    precision = learned.precision_at(recall)
    print(
        f"world {seed}: at recall {recall:.3f} the walk has precision {PLAIN_PRECISION:.2f}, ALPC {precision:.3f}; at "
        f"precision .95 recall {plain.recall_at(BAR):.3f} and {learned.recall_at(BAR):.3f}; {walk_seconds:.0f} s and "
        f"{alpc_seconds:.0f} s"
    )
    for name, ranking in (("walk", plain), ("ALPC", learned)):
        number, right, of_all = ranking.published
        print(f"  {name} publishes {number:,} relations: precision {right:.3f}, recall {of_all:.3f}")
        print(f"    explored among them {ranking.explored[0]:,}: precision {ranking.explored[1]:.3f}")
    return precision


def mine(world: World, config: MineConfig) -> tuple[Ranking, float]:
    begun = time.perf_counter()
    day = AS_OF.date() - timedelta(days=1)
    run = mine_dictionary(world.home, world.dictionary, Overlay(), MineOptions(as_of=day, config=config))
    return rank(run, world.grades(day)), time.perf_counter() - begun


def rank(run: RunFolder, grades: Grades) -> Ranking:
    """Return how the scored pairs of a run, and those that it published, compare with the truth."""
    ids = run.read_table("entities")["entity_id"].to_pylist()
    pairs = run.read_table("candidates")
    source, target = pairs["source"].to_numpy(), pairs["target"].to_numpy()
    eps = run.read_table("thresholds")["threshold"].to_numpy()
    true = np.array([(ids[u], ids[v]) in grades for u, v in zip(source.tolist(), target.tolist(), strict=True)])
    margin = pairs["logit"].to_numpy() - eps[source]
    order = np.argsort(-margin, kind="stable")
    hits = np.cumsum(true[order])
    kept = margin > 0
    explored = kept & (pairs["provenance"].to_numpy(zero_copy_only=False) == "explored")
    return Ranking(
        precision=hits / np.arange(1, len(order) + 1),
        recall=hits / len(grades),
        published=(int(kept.sum()), float(true[kept].mean()), float(true[kept].sum() / len(grades))),
        explored=(int(explored.sum()), float(true[explored].mean()) if explored.any() else 0.0),
    )


if __name__ == "__main__":
    main()
