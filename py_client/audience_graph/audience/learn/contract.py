"""Files of results: what the columns are, and which of the two kinds a file is.

    per user   user_id*, exposures, clicks, conversions, time          one row a user; a column not given counts 0
               user_id*, kind*, time                                   or one row for each exposure, click, conversion
    per arm    arm*, users*, exposures, clicks, conversions, time      users: whom the channel reached or could reach

`*` = never empty. Counts are whole numbers. Per arm, `exposures` and `conversions` count users, not times. `time` is
when it happened last, where that is known. See `ingest/contract.py` for what a cell may hold.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from audience_graph.errors import InputError, Problem
from audience_graph.ingest.contract import Column, Contract, Kind
from audience_graph.ingest.reading import header_of
from audience_graph.ingest.source import open_source

COUNTS = ("exposures", "clicks", "conversions")
# kind of a happening -> the count that it adds to
HAPPENINGS = {"exposure": "exposures", "click": "clicks", "conversion": "conversions"}
_TOLD = (*(Column(name, Kind.COUNT) for name in COUNTS), Column("time", Kind.TIME))
PER_USER = Contract("results", (Column("user_id", Kind.ID, filled=True), Column("kind", Kind.NAME), *_TOLD))
PER_ARM = Contract("results", (Column("arm", Kind.NAME, filled=True), Column("users", Kind.COUNT, filled=True), *_TOLD))


def contract_of(path: str | os.PathLike[str], mapping: Mapping[str, str] | None = None) -> Contract:
    """Return the contract that the columns of a file ask for. Raises InputError when they ask for both or neither."""
    source = open_source(path)
    names = set(header_of(source, Contract("results", ()), {}))
    named = {name: (mapping or {}).get(name, name) for name in ("user_id", "arm")}
    found = [name for name, in_file in named.items() if in_file in names]
    if len(found) == 1:
        return PER_USER if found == ["user_id"] else PER_ARM
    told = "both" if found else f"columns {', '.join(sorted(names))[:200]}"
    raise InputError(
        f"{source.name}: results are told per user or per arm",
        problems=[Problem(source.name, None, None, "a column user_id, or a column arm", told)],
        hint="name the column with --map, such as --map user_id=customer",
    )
