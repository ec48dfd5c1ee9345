"""A dashboard of NeoDash 2.4: a page for each set of parameters, a selector for each parameter, a table for each query.

What a query needs is chosen in a selector, which asks the suggestion query of the parameter while somebody types, or
lists its choices; what has a default keeps it. A selector gives text, and the query turns it into the parameter's type.
Parameters are called `neodash_<name>`, as NeoDash wants them, and keep their value from page to page. NeoDash ran its
last release in 2025 and reads this file by "Load dashboard".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from audience_graph.graph.queries import load_query
from audience_graph.saved.definition import SUGGESTIONS, Parameter, SavedQuery
from audience_graph.saved.formats.texts import body_of, defaults_of, literal, with_parameters

VERSION = "2.4"
_WIDTH = 24  # columns of a page
_SUGGESTED = 10
_TO_TYPE = {"integer": "toInteger", "number": "toFloat", "yes or no": "toBoolean"}
_SELECTOR = (6, 3)
_TABLE = (12, 6)


def neodash_dashboard(queries: Iterable[SavedQuery], *, title: str = "audience-graph") -> dict[str, Any]:
    """Return the dashboard as JSON has it. The same queries give the same dashboard."""
    pages: dict[tuple[tuple[str, str], ...], list[SavedQuery]] = {}
    for saved in queries:
        pages.setdefault(tuple((p.name, selector(p)) for p in _needed(saved)), []).append(saved)
    ordered = sorted(pages.items(), key=lambda page: (len(page[0]), page[0]))
    return {
        "uuid": _id(title),
        "title": title,
        "version": VERSION,
        "settings": {"pagenumber": 0, "editable": True, "fullscreenEnabled": True, "parameters": {}},
        "pages": [_page(found) for _, found in ordered],
        "parameters": {},
        "extensions": {},
    }


def asked(saved: SavedQuery) -> Iterator[str]:
    """Yield the Cypher that the dashboard asks of a query: that of its table, and of the selector of each parameter."""
    yield _told(saved)
    yield from map(selector, _needed(saved))


def _page(queries: Sequence[SavedQuery]) -> dict[str, Any]:
    asked = _needed(queries[0])
    names = [p.name for p in asked]
    width, height = _SELECTOR
    page = " and ".join(f"{p.name} {selector(p)}" for p in asked)
    reports = [_selector(p, page, x=n * width % _WIDTH, y=n * width // _WIDTH * height) for n, p in enumerate(asked)]
    top = (1 + (len(asked) - 1) * width // _WIDTH) * height if asked else 0
    wide, tall = _TABLE
    for n, saved in enumerate(queries):
        reports.append(_table(saved, x=n * wide % _WIDTH, y=top + n * wide // _WIDTH * tall))
    title = " and ".join(name.replace("_", " ") for name in names) if names else "overview"
    return {"title": f"By {title}" if names else "Overview", "reports": reports}


def _selector(parameter: Parameter, page: str, *, x: int, y: int) -> dict[str, Any]:
    width, height = _SELECTOR
    return {
        "id": _id(f"select {parameter.name} of {page}"),
        "title": parameter.name.replace("_", " "),
        "query": selector(parameter),
        "width": width,
        "height": height,
        "x": x,
        "y": y,
        "type": "select",
        "selection": {},
        "settings": {
            "type": "Custom Query",
            "entityType": "Custom Query",
            "parameterName": _named(parameter.name),
            "suggestionLimit": _SUGGESTED,
            "multiSelector": parameter.kind == "texts",
        },
        "schema": [],
    }


def selector(parameter: Parameter) -> str:
    """Return the query that a selector asks: NeoDash gives what is typed as $input and shows `display`."""
    choices = ("true", "false") if parameter.kind == "yes or no" else parameter.choices
    if choices:
        listed = f"UNWIND {literal(choices)} AS value WITH value WHERE toLower(value) STARTS WITH toLower($input)"
        return f"{listed}\nRETURN value, value AS display"
    if parameter.suggest is None:
        return "RETURN $input AS value, $input AS display"
    query = load_query(SUGGESTIONS + parameter.suggest)
    text = with_parameters(body_of(query.text), {"typed": "$input", "limit": str(_SUGGESTED)})
    return f"CALL () {{\n{text}\n}}\nRETURN value, label AS display"


def _told(saved: SavedQuery) -> str:
    """Return the query of a table, its parameters those of the dashboard."""
    names = {p.name: _typed(f"${_named(p.name)}", p.kind) for p in _needed(saved)}
    return with_parameters(body_of(saved.query.text), {**defaults_of(saved), **names})


def _typed(text: str, kind: str) -> str:
    return f"{_TO_TYPE[kind]}({text})" if kind in _TO_TYPE else text


def _table(saved: SavedQuery, *, x: int, y: int) -> dict[str, Any]:
    width, height = _TABLE
    return {
        "id": _id(f"table {saved.name}"),
        "title": saved.question,
        "query": _told(saved),
        "width": width,
        "height": height,
        "x": x,
        "y": y,
        "type": "table",
        "selection": {},
        "settings": {},
        "schema": [],
    }


def _needed(saved: SavedQuery) -> list[Parameter]:
    return [p for p in saved.parameters if p.default is None]


def _named(name: str) -> str:
    return f"neodash_{name}"


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"audience-graph/{name}"))
