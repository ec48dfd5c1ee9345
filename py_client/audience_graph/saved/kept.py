"""Saved queries that people keep: nodes of Neo4j, each with the whole text of a file like those of `cypher/saved/`.

Whoever saves one writes Cypher, or gives a query that there is other defaults and a title of its own. It is held
against its header and its plan before it is kept, and again each time it runs. The package's own are written beside
them by `migrate`, for people who only have Browser; they are read from their files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.queries import HEADER, load_query, parse_query
from audience_graph.graph.runner import Runner
from audience_graph.saved.definition import Parameter, SavedQuery, defined, saved_names, saved_queries, saved_query
from audience_graph.saved.guard import check_plan, written

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"')
_MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved query and who keeps it; `by` and `at` are None for one of the package."""

    query: SavedQuery
    by: str | None = None
    at: str | None = None


def find_saved(runner: Runner, name: str) -> SavedQuery:
    """Return a saved query by name: of the package, else one that somebody keeps. Raises NotFoundError."""
    if isinstance(name, str) and name not in saved_names() and _NAME.fullmatch(name):
        for row in runner.read(load_query("saved_queries/read"), {"name": name}):
            return _read(row["name"], row["cypher"])
    return saved_query(name)


def list_saved(runner: Runner) -> tuple[Kept, ...]:
    """Return the package's saved queries, then those that people keep, by name."""
    rows = runner.read(load_query("saved_queries/read"), {"name": None})
    mine = [Kept(_read(row["name"], row["cypher"]), row["by"], row["at"]) for row in rows]
    return (*(Kept(one) for one in saved_queries()), *mine)


def keep(runner: Runner, name: str, text: str, *, by: str) -> SavedQuery:
    """Keep a query under a name, in place of one that had it, and return it.

    Raises ConfigError for a bad name, one of the package, or a header that is not true; QueryError for a query that
    does more than read.
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
    runner.write(load_query("saved_queries/write"), {"queries": [_row(found)], "own": True, "by": by})
    return found


def forget(runner: Runner, name: str) -> None:
    """Remove a query that somebody keeps. Raises NotFoundError for one that nobody does."""
    if not runner.write(load_query("saved_queries/remove"), {"name": name})[0]["removed"]:
        raise NotFoundError(f"nobody keeps a query named {name!r}", hint="`audience-graph query list` shows them")


def write_package(runner: Runner) -> None:
    """Write the package's saved queries as nodes, in place of those of an older one; nothing where they are there."""
    rows = [_row(one) for one in saved_queries()]
    there = runner.read(load_query("saved_queries/read_package"))
    if {row["name"]: row["cypher"] for row in there} == {row["name"]: row["cypher"] for row in rows}:
        return
    runner.write(load_query("saved_queries/write"), {"queries": rows, "own": False, "by": "audience-graph"})
    runner.write(load_query("saved_queries/forget_package"), {"names": [row["name"] for row in rows]})


def with_defaults(saved: SavedQuery, values: Mapping[str, Any], *, title: str, question: str) -> str:
    """Return the text of a saved query with other defaults, title and question.

    Raises ConfigError for an unknown parameter, a value out of bounds, or words that are no line of text.
    """
    for label, words in (("title", title), ("question", question)):
        _check_line(label, words)
    known = {p.name: p for p in saved.parameters}
    if unknown := [name for name in values if name not in known]:
        raise ConfigError(
            f"{saved.name} has no parameter {unknown[0]!r}", hint=f"it takes {', '.join(known) or 'none'}"
        )
    told = [
        _declared(p, known[p.name].check(values[p.name]) if p.name in values else p.default) for p in saved.parameters
    ]
    header = {"title": title.strip(), "question": question.strip(), "params": ", ".join(told) or "none"}
    lines: list[str] = []
    skipping = False
    for line in saved.query.text.splitlines():
        match = HEADER.match(line) if line.startswith("//") else None
        key = match["key"].lower() if match else None
        if match is not None and key in header:
            lines.append(f"// {match['key']}: {header[key]}")
            skipping = True
        elif match is None and line.startswith("//") and skipping:
            continue  # the rest of a line that was replaced
        else:
            skipping = False
            lines.append(line)
    return "\n".join(lines) + "\n"


def _check_line(label: str, words: object) -> None:
    """Raise ConfigError for words that are no line of a comment: Cypher reads \\u000a as the end of one."""
    if not isinstance(words, str) or not words.strip() or len(words) > _MOST_WORDS or not words.isprintable():
        raise ConfigError(f"a {label} is one line of at most {_MOST_WORDS} characters")
    if "\\u" in words.lower():
        raise ConfigError(f"a {label} holds no \\u: Cypher would read a character there")


def _inert(text: re.Match[str]) -> str:
    """Return a JSON text in which no character ends the list of parameters, a list of values or a line."""
    return "".join(f"\\u{ord(c):04x}" if c in "()[],|" else c for c in text[0])


def _declared(parameter: Parameter, default: Any) -> str:
    words = [parameter.kind]
    if default is not None:
        words.append(f"default {_TEXT.sub(_inert, json.dumps(default))}")
    words += [f"{word} {value:g}" for word, value in (("at least", parameter.least), ("at most", parameter.most))
              if value is not None]  # fmt: skip
    if parameter.choices:
        words.append(f"choices {'|'.join(parameter.choices)}")
    if parameter.suggest is not None:
        words.append(f"suggest {parameter.suggest}")
    return f"{parameter.name} ({', '.join(words)})"


def _read(name: str, text: str) -> SavedQuery:
    written(text)  # raises for what cannot be stored
    return defined(name, parse_query(f"kept/{name}", text, Path(f"{name}.cypher")))


def _row(saved: SavedQuery) -> dict[str, Any]:
    told = [_declared(p, p.default) for p in saved.parameters]
    return {
        "name": saved.name,
        "title": saved.title,
        "question": saved.question,
        "cypher": saved.query.text,
        "parameters": told,
    }
