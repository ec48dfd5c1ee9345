"""Entity F1 of BERT-CRF beside Hugging Face's token classifier: same encoder, data order, epochs and rates.

    python tests/bench/bench_tagger.py [--sets queryner,wnut17,mit_movie] [--seeds 1,2,3] [--models crf,hf]
        [--set KEY=VALUE ...] [--split test|dev] [--out FILE.jsonl]

The peer is `AutoModelForTokenClassification` (first subword of each word, argmax), trained by the same loop. Models
take turns, and a seed goes through all sets before the next one begins. Every result is appended to --out at once, and
what stands there with the same settings is not run again. Exact spans, micro; spans of invalid sequences count as
conlleval reads them, so that the peer loses nothing for those. The best epoch is chosen on dev (a tenth of train
where the set has none). `--split dev` shows dev alone: for choosing settings. CLUENER has no test split: dev it is.
`--speed CHECKPOINT` measures that tagger on raw texts instead. Sets in Chinese (weibo, ec, cluener) are read by
characters, with head `softmax` as the peer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

import torch
from shared_data import find_shared_data, why_absent
from torch import Tensor, nn

from audience_trainers.entities.batches import Batch
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.data import TaggedData, read_tagged
from audience_trainers.entities.encoders import encoder_folder, make_encoder, make_pieces
from audience_trainers.entities.fit import FitSetting, fit
from audience_trainers.entities.tag import open_tagger
from audience_trainers.entities.tagger import Tagger
from audience_trainers.run import resolve_config

SETS = {
    "queryner": ("ner_queryner", "queryner.parquet"),
    "wnut17": ("ner_wnut17", "wnut17.parquet"),
    "mit_movie": ("ner_mit_movie", "eng.parquet"),
    "weibo": ("ner_weibo_zh", "weibo.parquet"),
    "ec": ("ner_ec_zh", "ec.parquet"),
    "cluener": ("ner_cluener_zh", "cluener.parquet"),
}
CHINESE = {"weibo", "ec", "cluener"}
BAR = -0.3


class HuggingFaceClassifier(nn.Module):
    """The peer behind the same interface: -100 everywhere but at the first subword of each word."""

    def __init__(self, folder: Path, labels: int) -> None:
        super().__init__()
        from transformers import AutoModelForTokenClassification

        self.model = AutoModelForTokenClassification.from_pretrained(str(folder), num_labels=labels)

    def loss(self, batch: Batch) -> Tensor:
        targets = torch.full_like(batch.ids, -100)
        rows = torch.arange(len(batch.ids)).unsqueeze(1).expand_as(batch.first)
        targets[rows[batch.mask], batch.first[batch.mask]] = batch.tags[batch.mask]
        return self.model(input_ids=batch.ids, attention_mask=batch.attention, labels=targets).loss

    @torch.no_grad()
    def decode(self, batch: Batch) -> list[list[int]]:
        logits = self.model(input_ids=batch.ids, attention_mask=batch.attention).logits
        best = logits.argmax(2).gather(1, batch.first).tolist()
        return [row[:length] for row, length in zip(best, batch.mask.sum(1).tolist(), strict=True)]

    def head_parameters(self) -> Iterator[nn.Parameter]:
        yield from self.model.classifier.parameters()


def run(data: TaggedData, model: str, seed: int, config: TaggerConfig, split: str) -> dict[str, Any]:
    """Train one model with one seed and score it."""
    start, cpu = time.monotonic(), time.process_time()
    torch.manual_seed(seed)
    pieces = make_pieces(config, [s.words for s in data.train])
    if model == "hf":
        network: Any = HuggingFaceClassifier(encoder_folder(config.encoder), len(data.labels))
    else:
        network = Tagger(make_encoder(config, pieces), data.labels, head=model)
    setting = FitSetting(labels=data.labels, pieces=pieces, seed=seed)
    history = fit(network, data.train, data.dev, config=config, setting=setting)
    trained, trained_cpu = time.monotonic() - start, time.process_time() - cpu
    report = setting.evaluate(network, data.test if split == "test" else data.dev, config)
    return {
        "f1": 100 * report.micro.f1,
        "precision": 100 * report.micro.precision,
        "recall": 100 * report.micro.recall,
        "invalid": report.invalid,
        "sentences": report.sentences,
        "dev_f1": [round(100 * row.dev_f1, 2) for row in history],
        "seconds": round(trained),
        "cpu_seconds": round(trained_cpu),
    }


def chinese(config: TaggerConfig) -> TaggerConfig:
    """Return the same settings over characters, for which the peer is head `softmax`: it has no such tokenizer."""
    return replace(config, tokenizer="character")


def main() -> None:
    """Run what --out lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="queryner,wnut17,mit_movie")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--models", default="crf,hf")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--split", choices=["test", "dev"], default="test")
    parser.add_argument("--out", type=Path, default=Path("bench_tagger.jsonl"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--speed", type=Path, metavar="CHECKPOINT")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.speed is not None:
        print(speed(options.speed, options.threads))
        return
    config = resolve_config(TaggerConfig, ["device=cpu", "precision=bfloat16", *options.overrides])
    for seed in map(int, options.seeds.split(",")):
        for name in options.sets.split(","):
            folder, file = SETS[name]
            source = find_shared_data(folder)
            if source is None:
                print(f"skipped: {why_absent(folder)}")
                continue
            data = read_tagged(source / file, ignore=("distant",))
            own = chinese(config) if name in CHINESE else config
            split = options.split if data.test else "dev"
            for model in options.models.split(","):
                model = "softmax" if model == "hf" and name in CHINESE else model
                key = {"set": name, "model": model, "seed": seed, "split": split, "config": asdict(own)}
                if any(all(row[k] == v for k, v in key.items()) for row in kept(options.out)):
                    continue
                row = key | run(data, model, seed, own, split)
                with options.out.open("a") as out:
                    out.write(json.dumps(row) + "\n")
                print(json.dumps({k: v for k, v in row.items() if k != "config"}), file=sys.stderr, flush=True)
    print(table([row for row in kept(options.out) if row["config"] in (asdict(config), asdict(chinese(config)))]))


def speed(checkpoint: Path, threads: int) -> str:
    """Return texts/s of a tagger on raw texts, words not seen before, as Markdown."""
    tagger = open_tagger(checkpoint)
    lines = ["| texts | words each | threads | texts/s | texts per CPU second |", "|---|---|---|---|---|"]
    for name in ("queryner", "mit_movie"):
        source = find_shared_data(SETS[name][0])
        if source is None:
            continue
        sentences = read_tagged(source / SETS[name][1]).test
        texts = [" ".join(sentence.words) for sentence in sentences]
        words = sum(len(sentence.words) for sentence in sentences) / len(sentences)
        start, cpu = time.monotonic(), time.process_time()
        tagger.tag(texts)
        wall, used = time.monotonic() - start, time.process_time() - cpu
        row = (
            f"{len(texts):,} of {name}",
            f"{words:.1f}",
            f"{threads}",
            *(f"{len(texts) / t:,.0f}" for t in (wall, used)),
        )
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def kept(path: Path) -> list[dict[str, Any]]:
    """Return the results of earlier runs."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def table(rows: list[dict[str, Any]]) -> str:
    """Return mean and spread over seeds as Markdown, and whether the bar holds."""
    lines = ["| set | split | model | seeds | F1 mean | lowest - highest | invalid sequences | CRF - peer |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, split in dict.fromkeys((row["set"], row["split"]) for row in rows):
        here = [row for row in rows if (row["set"], row["split"]) == (name, split)]
        means = {}
        for model in dict.fromkeys(row["model"] for row in here):
            mine = [row for row in here if row["model"] == model]
            f1 = [row["f1"] for row in mine]
            means[model] = statistics.mean(f1)
            bad = f"{sum(row['invalid'] for row in mine)} of {sum(row['sentences'] for row in mine):,}"
            lead = f"{means['crf'] - means[model]:+.2f}" if model != "crf" and "crf" in means else ""
            if lead:
                lead += " (bar holds)" if means["crf"] - means[model] >= BAR else " (BELOW THE BAR)"
            lines.append(
                f"| {name} | {split} | {model} | {len(f1)} | {means[model]:.2f} | {min(f1):.2f} - {max(f1):.2f} "
                f"| {bad} | {lead} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
