"""Cypher that people wrote: planned first, held against a list of what may run, then run once with READ access.

A plan may hold operators that read (`READS`) and calls of procedures that only read (`PROCEDURES`). Everything else is
refused before it runs: writes, LOAD CSV, administration, transactions within the query, operators that nobody has
looked at. The run itself has a timeout and a most of rows, and is never retried.

This binds the doors of this library. A login of Neo4j Community is an administrator: see SECURITY.md.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.errors import ConfigError, QueryError
from audience_graph.graph.queries import STRINGS, Query
from audience_graph.graph.runner import Fetched, Plan, Runner

TIMEOUT = 30.0
MOST_ROWS = 10_000
MOST_TEXT = 100_000
MOST_NESTED = 100  # brackets: a planner's stack is not deep, and what overflows it is never answered
_SCANS = re.compile(
    r"(Partitioned)?(AllNodes|NodeByLabel|UnionNodeByLabels|IntersectionNodeByLabels|SubtractionNodeByLabels|"
    r"(Multi)?Node(Unique)?Index|NodeById|NodeByElementId|NodeByIdOrElementId|"
    r"((Partitioned)?(Directed|Undirected))(All)?(Union)?Relationships?(Types?|Unique)?(Index|ById|ByElementId)?)"
    r"(Contains|EndsWith)?(Scan|Seek|SeekByRange)|(Node|Relationship)CountFromCountStore"
)
READS = frozenset(
    {
        "AntiConditionalApply", "AntiSemiApply", "Apply", "Argument", "AssertSameNode",
        "AssertSameRelationship", "BFSPruningVarLengthExpand(All)", "BFSPruningVarLengthExpand(Into)",
        "BidirectionalRepeat(Trail)", "CacheProperties", "CartesianProduct", "ConditionalApply", "Distinct",
        "Eager", "EagerAggregation", "EmptyResult", "EmptyRow", "ExhaustiveLimit", "Expand(All)",
        "Expand(Into)", "Filter", "LeftOuterHashJoin", "LetAntiSemiApply", "LetSelectOrAntiSemiApply",
        "LetSelectOrSemiApply", "LetSemiApply", "Limit", "NodeHashJoin", "NodeLeftOuterHashJoin",
        "NodeRightOuterHashJoin", "NonFuseable", "NonPipelined", "NullifyMetadata", "Optional",
        "OptionalExpand(All)", "OptionalExpand(Into)", "OrderedAggregation", "OrderedDistinct",
        "OrderedUnion", "PartialSort", "PartialTop", "PartitionedUnwind", "PreserveOrder", "ProduceResults",
        "ProjectEndpoints", "Projection", "PruningVarLengthExpand(All)", "PruningVarLengthExpand(Into)",
        "Repeat(Trail)", "Repeat(Walk)", "RightOuterHashJoin", "RollUpApply", "SelectOrAntiSemiApply",
        "SelectOrSemiApply", "SemiApply", "ShortestPath", "Skip", "Sort", "StatefulShortestPath(All)",
        "StatefulShortestPath(Into)", "Top", "Top1WithTies", "TriadicBuild", "TriadicFilter",
        "TriadicSelection", "Union", "Unwind", "ValueHashJoin", "VarLengthExpand(All)",
        "VarLengthExpand(Into)", "VarLengthExpand(Pruning)",
    }
)  # fmt: skip
PROCEDURES = frozenset(
    {
        "audience.current",
        "audience.diff",
        "audience.expand",
        "audience.neighbours",
        "audience.path",
        "audience.picture",
        "audience.resolve",
        "audience.size",
        "audience.week",
        "db.index.fulltext.queryNodes",
        "db.index.fulltext.queryRelationships",
        "db.index.vector.queryNodes",
        "db.labels",
        "db.propertyKeys",
        "db.relationshipTypes",
    }
)
_PREFIX = re.compile(r"\s*(?:CYPHER\b[\w\s=.]*?)?\b(EXPLAIN|PROFILE)\b", re.IGNORECASE)
_CALLED = re.compile(r"\s*([A-Za-z_][\w.]*)\s*\(")


@dataclass(frozen=True, slots=True, repr=False)
class CypherResult(Answer):
    """Rows of a query that somebody wrote. Nodes and relationships are maps; `more` says that not all rows came."""

    columns: Mapping[str, Sequence[Any]]
    more: bool
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{'the first ' if self.more else ''}{len(self):,} row{'s' if len(self) != 1 else ''}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return self.columns


def written(text: str) -> Query:
    """Return a query that somebody wrote. Raises ConfigError for what is no text, too long, too deep, or empty;
    QueryError for one that asks for its plan."""
    if not isinstance(text, str) or not text.strip():
        raise ConfigError("a query is a text of Cypher")
    if len(text) > MOST_TEXT or "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigError(f"a query has at most {MOST_TEXT:,} characters, and none that cannot be stored")
    bare = STRINGS.sub("", text)
    if _nested(bare) > MOST_NESTED:
        raise ConfigError(f"a query has at most {MOST_NESTED} brackets within each other")
    if (prefix := _PREFIX.match(bare)) is not None:
        raise QueryError(f"{prefix[1].upper()} is not run here", hint="give the query alone; Neo4j Browser shows plans")
    return Query(name="your query", text=text, params=(), returns=(), path=None)


def run_guarded(
    runner: Runner,
    query: Query,
    parameters: Mapping[str, Any],
    *,
    timeout: float = TIMEOUT,
    max_rows: int = MOST_ROWS,
) -> Fetched:
    """Plan a query, check the plan, and run it once.

    `timeout` in seconds, above 0 and at most 600; `max_rows` from 1 to 1,000,000. Raises ConfigError for limits or
    parameters of another type, QueryError for what may not run or cannot.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= 600:
        raise ConfigError(f"timeout must be a number of seconds up to 600, not {timeout!r}")
    if isinstance(max_rows, bool) or not isinstance(max_rows, int) or not 1 <= max_rows <= 1_000_000:
        raise ConfigError(f"max_rows must be a whole number from 1 to 1,000,000, not {max_rows!r}")
    if not isinstance(parameters, Mapping):
        raise ConfigError(f"parameters are a map of names to values, not {parameters!r}")
    given = {_name(name): _value(name, value) for name, value in parameters.items()}
    start = time.monotonic()
    check_plan(runner.plan(query, given, timeout=float(timeout)))
    left = max(float(timeout) - (time.monotonic() - start), 0.1)
    return runner.read_once(query, given, timeout=left, most=max_rows)


def check_plan(plan: Plan) -> None:
    """Raise QueryError, naming what it is, for a plan with anything but reading in it."""
    for operator, details in plan.operators:
        if operator == "ProcedureCall":
            called = _CALLED.match(details)
            if called is None or called[1] not in PROCEDURES:
                name = details.split("(")[0].strip() or "a procedure"
                raise QueryError(
                    f"{name} may not be called here", hint=f"those that may: {', '.join(sorted(PROCEDURES))}"
                )
        elif operator not in READS and _SCANS.fullmatch(operator) is None:
            if operator.startswith("Show"):
                raise QueryError("SHOW is not run here", hint="Neo4j Browser and cypher-shell run it")
            raise QueryError(f"the query does more than read ({operator})", hint="only queries that read are run here")
    if plan.kind != "r" or not plan.operators:
        raise QueryError("the query does more than read", hint="only queries that read are run here")


def _name(name: object) -> str:
    if not isinstance(name, str) or re.fullmatch(r"[A-Za-z_]\w*", name) is None:
        raise ConfigError(f"{name!r} is no name of a parameter")
    return name


def _nested(text: str) -> int:
    depth = most = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        most = max(most, depth)
    return most


def _value(name: str, value: Any, depth: int = 0) -> Any:
    """Return a parameter as the driver takes it. Raises ConfigError, naming the parameter."""
    if depth > MOST_NESTED:
        raise ConfigError(f"{name} has more than {MOST_NESTED} lists and maps within each other")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        raise ConfigError(f"{name} must be below 2**63, not {value!r}")
    if isinstance(value, str):
        return _sent(name, value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_value(name, own, depth + 1) for own in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {_sent(name, key): _value(name, own, depth + 1) for key, own in value.items()}
    raise ConfigError(f"{name} must be text, a number, true or false, or lists or maps of these, not {value!r}")


def _sent(name: str, text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigError(f"{name} holds characters that cannot be stored")
    return text
