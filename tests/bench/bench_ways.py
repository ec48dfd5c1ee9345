"""Lift at 5 % in the planted world: by the graph, by a sentence, by both, beside activity and the hidden interests.

    audience-graph demo --data-dir world
    audience-graph users train --small --publish --data-dir world
    python tests/bench/bench_ways.py --data-dir world

Every phrase of the world is asked as it is (graph) and as the sentence "People who will look for PHRASE." (the others),
written before any result was seen. Positive: acted on the phrase's entity in the two weeks after the last event that
anything was trained on, without an event of it before. `both` is measured at several weights of the graph, the default
of which was chosen on world 5, and at the weight that was fitted for the space on windows before the last event.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audience_graph import AudienceGraph, SentenceOptions
from audience_graph.demo.evaluation import read_truth, targeting_quality

SENTENCE = "People who will look for {phrase}."


def measure(data_dir: Path, weights: list[float], space: str | None) -> dict[str, dict[str, Any]]:
    truth = read_truth(data_dir / "demo")
    plain = SentenceOptions(guess=True, space=space)
    ways = {"graph": ("graph", SentenceOptions()), "sentence": ("sentence", plain)}
    ways |= {
        "reworded": ("sentence", replace(plain, reword=True)),
        "shortlist": ("sentence", replace(plain, shortlist=True)),
    }
    ways |= {f"both {w:g}": ("both", replace(plain, graph_weight=w)) for w in weights}
    ways["both, fitted"] = ("both", plain)
    told: dict[str, Any] = {}
    found: dict[str, list[float]] = {}
    chosen: dict[str, list[set[str]]] = {}
    with AudienceGraph.connect(data_dir) as ag:
        for name, (method, options) in ways.items():
            chosen[name] = []

            def target(phrase: str, size: int, name=name, method=method, options=options) -> dict[str, float]:
                said = phrase if method == "graph" else SENTENCE.format(phrase=phrase)
                best = ag.target(said, size, method=method, sentence=options)
                chosen[name].append(set(best.user_ids))
                if best.weighing is not None and options.graph_weight is None:
                    told.update(weight=best.weighing.weight, source=best.weighing.told)
                return dict(zip(best.user_ids, best.scores.tolist(), strict=True))

            lifts = targeting_quality(truth, target)
            found[name] = [one.lift for one in lifts]
    found["most active"] = [max(one.events, one.breadth) for one in lifts]
    found["hidden interests"] = [one.oracle for one in lifts]
    best = np.nanmedian(found["hidden interests"])
    shared = [len(a & b) / len(a) for a, b in zip(chosen["sentence"], chosen["shortlist"], strict=True)]
    found_ways = {name: summary(values, best) for name, values in found.items()}
    found_ways["both, fitted"] |= told
    return found_ways | {
        "members of the exact list in the shortlist's": {"mean": round(float(np.mean(shared)), 4), "least": min(shared)}
    }


def summary(values: list[float], best: float) -> dict[str, float]:
    low, median, high = (round(float(q), 2) for q in np.nanquantile(values, [0.25, 0.5, 0.75]))
    return {
        "median": median,
        "low": low,
        "high": high,
        "of the best": round(median / float(best), 3),
        "phrases": len(values),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.3, 0.6, 0.85])
    parser.add_argument("--text-space", help="A staged space. [default: the release's]")
    args = parser.parse_args()
    print(json.dumps(measure(args.data_dir, args.weights, args.text_space), indent=2))


if __name__ == "__main__":
    main()
