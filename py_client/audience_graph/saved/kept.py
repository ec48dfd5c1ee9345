"""Saved queries that people keep: nodes of Neo4j, each with the whole text of a file like those of `cypher/saved/`.

Whoever saves one writes Cypher, or gives a query that there is other defaults and a title of its own. It is held
against its header and its plan before it is kept, and again each time it runs. The package's own are written beside
them by `migrate`, for people who only have Browser; they are read from their files.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audience_graph.errors import ConfigError, NotFoundError, QueryError
from audience_graph.graph.queries import load_query, parse_query
from audience_graph.graph.runner import Runner
from audience_graph.saved.defaults import declared
from audience_graph.saved.definition import SavedQuery, defined, saved_names, saved_queries, saved_query
from audience_graph.saved.formats.exported import check_exports
from audience_graph.saved.guard import check_plan, written
from audience_graph.saved.legible import legible

_LONGEST = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved query and who keeps it; `by` and `at` are None for one of the package."""

    query: SavedQuery
    by: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A node of a saved query that is none, as plain Cypher may write it: its name, and what is wrong with it."""

    name: str
    fault: str

    def __str__(self) -> str:
        hint = f"; audience-graph query remove {shlex.quote(self.name)}" if self.name.isprintable() else ""
        return f"saved query {self.name!r} cannot be read: {self.fault}{hint}"


class Listed(tuple[Kept, ...]):
    """Saved queries that can be read; `unreadable` are those kept in Neo4j that cannot."""

    unreadable: tuple[Unreadable, ...]

    def __new__(cls, kept: Iterable[Kept], unreadable: Iterable[Unreadable] = ()) -> Self:
        made = super().__new__(cls, kept)
        made.unreadable = tuple(unreadable)
        return made


def find_saved(runner: Runner, name: str) -> SavedQuery:
    """Return a saved query by name: of the package, else one that somebody keeps.

    Raises NotFoundError where there is none, ConfigError for a kept one that cannot be read.
    """
    if isinstance(name, str) and name not in saved_names() and _NAME.fullmatch(name):
        for row in runner.read(load_query("saved_queries/read"), {"name": name}):
            found = _kept(row)
            if isinstance(found, Unreadable):
                raise ConfigError(
                    f"saved query {name!r} cannot be read: {found.fault}",
                    hint=f"`audience-graph query remove {name}` removes it",
                )
            return found.query
    return saved_query(name)


def list_saved(runner: Runner) -> Listed:
    """Return the package's saved queries, then those that people keep, by name; what cannot be read is left out and
    told by the list."""
    found = [_kept(row) for row in runner.read(load_query("saved_queries/read"), {"name": None})]
    mine = [one for one in found if isinstance(one, Kept)]
    return Listed(
        (*(Kept(one) for one in saved_queries()), *mine), [one for one in found if isinstance(one, Unreadable)]
    )


def keep(runner: Runner, name: str, text: str, *, by: str) -> SavedQuery:
    """Keep a query under a name, in place of one that had it, and return it.

    Raises ConfigError for a bad name, one of the package, a header that is not true, or a text that Cypher reads
    otherwise than people do; QueryError for a query that does more than read, as it is or in the format of any other
    tool.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ConfigError(f"{name!r} is no name of a query", hint="small letters, digits and _, as near_our_shops")
    if name in saved_names():
        raise ConfigError(f"{name!r} is a query of the package", hint="choose another name")
    found = _read(name, text)
    plan = runner.plan(found.query, dict.fromkeys(found.query.params))
    check_plan(plan)
    if set(plan.columns) != set(found.query.returns):
        raise ConfigError(f"{name} says that it returns {', '.join(found.query.returns)}, but returns "
                          f"{', '.join(plan.columns)}")  # fmt: skip
    check_exports(runner, found)
    runner.write(load_query("saved_queries/write"), {"queries": [_row(found)], "own": True, "by": by})
    return found


def forget(runner: Runner, name: str) -> None:
    """Remove a query that somebody keeps, also one that cannot be read. Raises NotFoundError for one that nobody
    does."""
    if not runner.write(load_query("saved_queries/remove"), {"name": name})[0]["removed"]:
        raise NotFoundError(f"nobody keeps a query named {name!r}", hint="`audience-graph query list` shows them")


def write_package(runner: Runner) -> dict[str, str]:
    """Write the package's saved queries as nodes, in place of those of an older one; nothing where they are there.

    A query that somebody keeps under a name that the package has now goes on under another: they are returned, the new
    names by the old ones.
    """
    renamed = _make_way(runner)
    rows = [_row(one) for one in saved_queries()]
    there = runner.read(load_query("saved_queries/read_package"))
    if {row["name"]: row["cypher"] for row in there} != {row["name"]: row["cypher"] for row in rows}:
        runner.write(load_query("saved_queries/write"), {"queries": rows, "own": False, "by": "audience-graph"})
        runner.write(load_query("saved_queries/forget_package"), {"names": [row["name"] for row in rows]})
    return renamed


def _make_way(runner: Runner) -> dict[str, str]:
    taken = {str(row["name"]) for row in runner.read(load_query("saved_queries/read"), {"name": None})}
    renamed: dict[str, str] = {}
    for name in sorted(taken & set(saved_names())):
        endings = ("_kept", *(f"_kept_{n}" for n in range(2, len(taken) + 3)))
        others = (name[: _LONGEST - len(ending)] + ending for ending in endings)
        renamed[name] = next(one for one in others if one not in taken and one not in saved_names())
        taken.add(renamed[name])
    if renamed:
        names = [{"from": old, "to": new} for old, new in renamed.items()]
        runner.write(load_query("saved_queries/rename"), {"names": names})
    return renamed


def _kept(row: Mapping[str, Any]) -> Kept | Unreadable:
    name = str(row["name"])
    try:
        if name in saved_names():
            raise ConfigError("the package has a query of this name; `audience-graph migrate` gives it another")
        if _NAME.fullmatch(name) is None or name != row["name"]:
            raise ConfigError("its name is none that a query may have")
        by, at = (None if row[key] is None else str(row[key]) for key in ("by", "at"))
        return Kept(_read(name, row["cypher"]), by, at)
    except (ConfigError, NotFoundError, QueryError) as exc:
        return Unreadable(name, exc.message.removeprefix(f"{_place(name)}: "))


def _read(name: str, text: str) -> SavedQuery:
    written(text)  # raises for what cannot be stored
    return defined(name, parse_query(_place(name), legible(_place(name), text), None))


def _place(name: str) -> str:
    return f"saved query {name!r}"


def _row(saved: SavedQuery) -> dict[str, Any]:
    told = [declared(p, p.default) for p in saved.parameters]
    return {
        "name": saved.name,
        "title": saved.title,
        "question": saved.question,
        "cypher": saved.query.text,
        "parameters": told,
    }
