"""What a large batch of user-text pairs costs: memory of the loss in blocks, and memory of the towers in chunks.

    python tests/bench/bench_users_alignment.py                     batch 65,536, 64 dims, blocks of 512 rows
    python tests/bench/bench_users_alignment.py --batch 4096 --dims 256

Loss: forward and backward of InfoNCE (FIND eq. 13) over all pairs, each in a process of its own so that its peak memory
is its own; beside it a float64 reference of numpy, row by row. Bars: the peak above the embeddings at most 1/8 of the
b x b logits in float32, the loss within 1e-3. Where the dense logits fit into --dense-gib, the dense loss runs too.

Towers: one step over MiniLM with LoRA, whole and through the gradient cache. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import torch

GIB = 2.0**30
SCALE = 20.0
TOWER_BATCH = 512


def pairs(batch: int, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return users and texts (b, d), each user near its own text."""
    drawn = torch.Generator().manual_seed(7)
    texts = torch.randn(batch, dims, generator=drawn)
    return texts + torch.randn(batch, dims, generator=drawn), texts


def reference(batch: int, dims: int) -> float:
    """Return the loss in float64, 256 rows at a time, without torch."""
    users, texts = (part.numpy().astype(np.float64) for part in pairs(batch, dims))
    users, texts = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (users, texts))
    total = 0.0
    for begin in range(0, batch, 256):
        logits = SCALE * users[begin : begin + 256] @ texts.T
        most = logits.max(axis=1, keepdims=True)
        own = logits[np.arange(len(logits)), np.arange(begin, begin + len(logits))]
        total += float((np.log(np.exp(logits - most).sum(axis=1)) + most[:, 0] - own).sum())
    return total / batch


def measure_loss(batch: int, dims: int, block: int) -> dict[str, float]:
    """Return the loss, seconds, and peak bytes above what the embeddings and their gradients take."""
    from audience_trainers.users.alignment.info_nce import info_nce

    users, texts = (part.requires_grad_() for part in pairs(batch, dims))
    info_nce(users[:8], texts[:8], torch.tensor(SCALE), block=4).backward()  # all is imported, gradients are there
    before = peak()
    begun = time.perf_counter()
    loss = info_nce(users, texts, torch.tensor(SCALE), block=block)
    loss.backward()
    return {"loss": float(loss.detach()), "seconds": time.perf_counter() - begun, "bytes": peak() - before}


def measure_towers(chunk: int) -> dict[str, float]:
    """Return seconds and peak bytes of one step over a batch of MiniLM with LoRA; chunk 0: in one piece."""
    from audience_trainers.users.alignment.gradient_cache import Chunk, embed_in_chunks
    from audience_trainers.users.alignment.info_nce import info_nce
    from audience_trainers.users.text_tower.config import TowerConfig
    from audience_trainers.users.text_tower.tower import TextTower

    torch.manual_seed(7)
    tower = TextTower(TowerConfig(tune="lora", dims=256)).eval()
    sentences = [f"The user purchased article {i} amounting more than {i % 97} dollars" for i in range(TOWER_BATCH)]
    users = torch.randn(TOWER_BATCH, 256)
    tower(sentences[:1])[0, 0].backward()
    tower.zero_grad()
    before, begun = peak(), time.perf_counter()
    if chunk:
        parts = [Chunk(sentences[begin : begin + chunk], begin) for begin in range(0, TOWER_BATCH, chunk)]
        texts = embed_in_chunks(tower, parts, dims=256, device="cpu")
    else:
        texts = tower(sentences)
    info_nce(users, texts, torch.tensor(SCALE)).backward()
    norm = sum(float(p.grad.square().sum()) for p in tower.parameters() if p.grad is not None) ** 0.5
    return {"norm": norm, "seconds": time.perf_counter() - begun, "bytes": peak() - before}


def peak() -> int:
    """Return the peak resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def alone(kind: str, *numbers: int) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, *map(str, numbers)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=65_536)
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--block", type=int, default=512)
    parser.add_argument("--dense-gib", type=float, default=2.0, help="largest logits of a dense run beside it")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measured = {"loss": measure_loss, "towers": measure_towers}[options.one[0]](*map(int, options.one[1:]))
        print(json.dumps(measured))
        return
    batch, dims = options.batch, options.dims
    dense = 4.0 * batch * batch
    print(f"batch {batch:,}, {dims} dims: dense logits {dense / GIB:.2f} GiB; {torch.get_num_threads()} threads")
    found, wanted = alone("loss", batch, dims, options.block), reference(batch, dims)
    print(f"blocks of {options.block}: {_told(found)}, {dense / found['bytes']:.1f} x below the dense logits")
    print(f"loss {found['loss']:.6f}, float64 reference {wanted:.6f}")
    if dense / GIB <= options.dense_gib:
        print(f"dense loss: {_told(alone('loss', batch, dims, 0))}")
    whole, cached = alone("towers", 0), alone("towers", 32)
    print(f"MiniLM with LoRA, a step of {TOWER_BATCH} sentences: in one piece {_told(whole)}")
    ratio = cached["norm"] / whole["norm"]
    print(f"  through the gradient cache, chunks of 32: {_told(cached)}; gradient norm {ratio:.6f} x")
    if found["bytes"] > dense / 8 or abs(found["loss"] - wanted) > 1e-3 or abs(ratio - 1) > 1e-3:
        sys.exit("a bar is missed: 1/8 of the dense logits, loss within 1e-3, equal gradients")


def _told(measured: dict[str, float]) -> str:
    return f"{measured['seconds']:.1f} s, peak {measured['bytes'] / GIB:.2f} GiB"


if __name__ == "__main__":
    main()
