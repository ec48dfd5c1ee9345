"""Columns that the procedures pack into bytes, little endian, back into Python values."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from audience_graph.graph.expansion import Expanded

Row = Mapping[str, Any]


def texts(data: bytes, lengths: bytes) -> list[str]:
    """Cut UTF-8 text into pieces of the given lengths in code points (int32)."""
    joined = data.decode("utf-8")
    start = 0
    pieces = []
    for end in accumulate(np.frombuffer(lengths, "<i4").tolist()):
        pieces.append(joined[start:end])
        start = end
    return pieces


def expansion(row: Row) -> tuple[Expanded, ...]:
    """Unpack one row of `audience.expandPacked`."""
    ids = texts(row["ids"], row["id_lengths"])
    names = texts(row["names"], row["name_lengths"])
    types = texts(row["types"], row["type_lengths"])
    hops = np.frombuffer(row["hops"], "i1").tolist()
    relevances = np.frombuffer(row["relevances"], "<f8").tolist()
    steps = [ids[i] for i in np.frombuffer(row["paths"], "<i4").tolist()]
    paths = []
    start = 0
    for end in accumulate(hop + 1 for hop in hops):
        paths.append(tuple(steps[start:end]))
        start = end
    return tuple(map(Expanded._make, zip(ids[: row["count"]], names, types, hops, relevances, paths, strict=True)))
