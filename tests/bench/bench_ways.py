"""Lift at 5 % in the planted world: by the graph, by a sentence, by both, beside activity and the hidden interests.

    audience-graph demo --data-dir world
    audience-graph users train --small --publish --data-dir world
    python tests/bench/bench_ways.py --data-dir world

Every phrase of the world is asked as it is (graph) and as the sentence "People who will look for PHRASE." (the others),
written before any result was seen. Positive: acted on the phrase's entity in the two weeks after the last event that
anything was trained on, without an event of it before. `both` is measured at several weights of the graph: the default
was chosen on world 5.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from audience_graph import AudienceGraph, SentenceOptions
from audience_graph.demo.evaluation import read_truth, targeting_quality

SENTENCE = "People who will look for {phrase}."


def measure(data_dir: Path, weights: list[float]) -> dict[str, dict[str, float]]:
    truth = read_truth(data_dir / "demo")
    found: dict[str, list[float]] = {}
    with AudienceGraph.connect(data_dir) as ag:
        ways = {"graph": ("graph", SentenceOptions()), "sentence": ("sentence", SentenceOptions(guess=True))}
        ways |= {"reworded": ("sentence", SentenceOptions(guess=True, reword=True))}
        ways |= {f"both {w:g}": ("both", SentenceOptions(guess=True, graph_weight=w)) for w in weights}
        for name, (method, options) in ways.items():

            def target(phrase: str, size: int, method=method, options=options) -> dict[str, float]:
                said = phrase if method == "graph" else SENTENCE.format(phrase=phrase)
                best = ag.target(said, size, method=method, sentence=options)
                return dict(zip(best.user_ids, best.scores.tolist(), strict=True))

            lifts = targeting_quality(truth, target)
            found[name] = [one.lift for one in lifts]
    found["most active"] = [max(one.events, one.breadth) for one in lifts]
    found["hidden interests"] = [one.oracle for one in lifts]
    best = np.nanmedian(found["hidden interests"])
    return {
        name: {
            "median": round(float(np.nanmedian(values)), 2),
            "quartiles": [round(float(q), 2) for q in np.nanquantile(values, [0.25, 0.75])],
            "of the best": round(float(np.nanmedian(values) / best), 3),
            "phrases": len(values),
        }
        for name, values in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.3, 0.5, 0.7])
    args = parser.parse_args()
    print(json.dumps(measure(args.data_dir, args.weights), indent=2))


if __name__ == "__main__":
    main()
