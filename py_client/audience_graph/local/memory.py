"""How much memory the servers get: from the machine, or from `--heap`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from audience_graph.errors import ConfigError

MB = 1024 * 1024
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True, slots=True)
class Memory:
    """Sizes in MB: Neo4j's heap (GDS graphs live there) and page cache, Postgres's shared buffers."""

    heap: int
    page_cache: int
    shared_buffers: int


def machine_memory() -> int:
    """Return the memory of this machine or container in MB."""
    total = psutil.virtual_memory().total
    for path in CGROUP_LIMITS:
        try:
            total = min(total, int(path.read_text()))
        except (OSError, ValueError):
            continue
    return int(total // MB)


def choose_memory(total: int, heap: str | None = None) -> Memory:
    """Return the sizes for a machine of `total` MB: a sixth for the heap, a sixteenth for each cache, in bounds.

    `heap` such as `512m` or `4g` is taken as it is. Raises ConfigError when it is not a size or does not fit.
    """
    chosen = _bounded(total // 6, 512, 16_384) if heap is None else parse_size(heap)
    if chosen > total * 0.9:
        raise ConfigError(f"--heap {heap} is more than this machine's {total} MB allow", hint="name a smaller size")
    small = chosen <= 512
    return Memory(
        heap=chosen,
        page_cache=_bounded(total // 16, 64, 128 if small else 4096),
        shared_buffers=_bounded(total // 16, 64, 128 if small else 4096),
    )


def parse_size(text: str) -> int:
    """Return a size such as `512m`, `2g` or `1.5G` in MB; at least 256 MB. Raises ConfigError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mg])b?", text.strip(), re.IGNORECASE)
    size = 0 if found is None else int(float(found[1]) * (1024 if found[2].lower() == "g" else 1))
    if size < 256:
        raise ConfigError(f"--heap {text} is not a size of at least 256m", hint="for example --heap 2g")
    return size


def _bounded(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
