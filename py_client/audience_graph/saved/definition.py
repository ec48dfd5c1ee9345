"""A saved query: one file of `cypher/saved/`, with a title, a question and typed parameters.

    // title: Services near a service
    // question: What is near this service?
    // Purpose: ...
    // params: phrase (entity), type (text, suggest entity_types), limit (integer, default 20)
    // returns: id, name, score

A parameter is `entity` (an id or an exact name; from Python and the command line any phrase), `text`, `integer`,
`number`, `yes or no` or `texts` (a list; of entities where it suggests them). A default is JSON: commas and
parentheses within its texts are part of them. `at least N` and `at most N` bound a number, `choices a|b` are all that a
text may be, `suggest NAME` names the query of `cypher/suggest/` that finds values while somebody types; what it does
not find may be given all the same. The file runs as it is wherever Cypher does: what is current it reads itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.queries import (
    PREVIOUS_TYPE,
    Query,
    at_commas,
    declarations,
    list_queries,
    load_query,
    read_header,
)

FOLDER = "saved/"
KINDS = ("entity", "text", "integer", "number", "yes or no", "texts")
_WORDS = ("default", "at least", "at most", "choices", "suggest")
SUGGESTIONS = "suggest/"
_SPELLED = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter. `default` None = it must be given. `suggest` names a query of `cypher/suggest/`."""

    name: str
    kind: str
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    suggest: str | None = None

    @property
    def of_entities(self) -> bool:
        """Whether its values are entities, so that the client takes any phrase for one."""
        return self.kind == "entity" or (self.kind == "texts" and self.suggest == "entities")

    def check(self, value: Any) -> Any:
        """Return the value in its own type; text is read as a number or a list where one is wanted.

        Raises ConfigError, naming the parameter, when it is of another type or out of bounds.
        """
        try:
            found = _CHECKS[self.kind](value)
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as exc:
            raise ConfigError(f"{self.name} must be {_NOUNS[self.kind]}, not {value!r}") from exc
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            if self.least is not None and found < self.least:
                raise ConfigError(f"{self.name} must be at least {json.dumps(self.least)}, not {found}")
            if self.most is not None and found > self.most:
                raise ConfigError(f"{self.name} must be at most {json.dumps(self.most)}, not {found}")
        if self.choices and found not in self.choices:
            raise ConfigError(f"{self.name} must be {' or '.join(self.choices)}, not {found!r}")
        return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode("utf-8")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(value)
    found = int(value)
    if abs(found) >= 2**63:
        raise ValueError(value)
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(value)
    found = float(value)
    if found != found or abs(found) == float("inf"):
        raise ValueError(value)
    return found


def _yes_or_no(value: Any) -> bool:
    return value if isinstance(value, bool) else _SPELLED[value.lower() if isinstance(value, str) else value]


def _texts(value: Any) -> list[str]:
    """Return a list of texts: of a list, of its JSON, or of what commas part."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)
    items = value.split(",") if isinstance(value, str) else list(value)
    found = [_text(item).strip() for item in items]
    return [item for item in found if item]


def parameter_text(value: Any) -> str:
    """Return text that may travel as a parameter. Raises ConfigError for what is none."""
    try:
        return _text(value)
    except (TypeError, UnicodeEncodeError) as exc:
        raise ConfigError(f"{value!r} is no text that can be stored") from exc


_CHECKS = {
    "entity": _text,
    "text": _text,
    "integer": _integer,
    "number": _number,
    "yes or no": _yes_or_no,
    "texts": _texts,
}
_NOUNS = {
    "entity": "a phrase or an entity's id",
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "yes or no": "true or false",
    "texts": "a list of texts",
}


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query that people run by name."""

    name: str
    title: str
    question: str
    query: Query
    parameters: tuple[Parameter, ...]

    @property
    def compares_weeks(self) -> bool:
        """Whether it needs a version of an older week."""
        return PREVIOUS_TYPE in self.query.text

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every asked parameter, checked, with defaults. Raises ConfigError for an unknown or missing one."""
        known = {p.name: p for p in self.parameters}
        unknown = [name for name in given if name not in known]
        if unknown:
            raise ConfigError(
                f"{self.name} has no parameter {unknown[0]!r}", hint=f"it takes {', '.join(known) or 'none'}"
            )
        missing = [p.name for p in self.parameters if p.default is None and p.name not in given]
        if missing:
            raise ConfigError(f"{self.name} needs {', '.join(missing)}", hint=f"--param {missing[0]}=...")
        return {name: p.check(given[name]) if name in given else p.default for name, p in known.items()}


def saved_queries() -> tuple[SavedQuery, ...]:
    """Return all saved queries of the package, by name."""
    return tuple(saved_query(name) for name in saved_names())


def saved_names() -> tuple[str, ...]:
    """Return the names of the package's saved queries."""
    return tuple(name.removeprefix(FOLDER) for name in list_queries() if name.startswith(FOLDER))


def saved_query(name: str) -> SavedQuery:
    """Load one saved query of the package. Raises NotFoundError, naming the others, when there is none of that name."""
    if not isinstance(name, str) or name not in saved_names():
        raise NotFoundError(f"no saved query named {name!r}", hint=f"there are: {', '.join(saved_names())}")
    return defined(name, load_query(FOLDER + name))


def defined(name: str, query: Query) -> SavedQuery:
    """Return the saved query that a query's header declares. Raises ConfigError, naming file (or query) and fault."""
    header = read_header(query.text)
    for wanted in ("title", "question"):
        if not header.get(wanted):
            raise ConfigError(f"{query.place}: the header lacks `// {wanted}:`")
    words = declarations(header["params"])
    untyped = [n for n in query.params if not words.get(n)]
    if untyped:
        raise ConfigError(f"{query.place}: parameter {untyped[0]} has no type in its header")
    parameters = tuple(_parameter(n, words[n], query) for n in query.params)
    return SavedQuery(name, header["title"], header["question"], query, parameters)


def _parameter(name: str, words: str, query: Query) -> Parameter:
    kind, *rest = at_commas(words)
    if kind not in KINDS:
        raise ConfigError(f"{query.place}: parameter {name} is {kind!r}, not one of {', '.join(KINDS)}")
    values: dict[str, str] = {}
    for part in rest:
        word = next((w for w in _WORDS if part.startswith(f"{w} ")), None)
        if word is None:
            raise ConfigError(f"{query.place}: parameter {name}: {part!r} is not {', '.join(_WORDS)}")
        values[word] = part.removeprefix(word).strip()
    least, most = (_bound(values[word], name, query) if word in values else None for word in ("at least", "at most"))
    choices = tuple(values["choices"].split("|")) if "choices" in values else ()
    if any("," in choice for choice in choices):
        raise ConfigError(f"{query.place}: parameter {name}: choices are parted by |, and hold no comma")
    suggest = values.get("suggest", "entities" if kind == "entity" else None)
    if suggest is not None:
        load_query(SUGGESTIONS + suggest)
    bare = Parameter(name, kind, None, least, most, choices, suggest)
    if "default" not in values:
        return bare
    default = bare.check(_json(values["default"], name, query))
    if kind == "entity" and not default.strip():
        raise ConfigError(f"{query.place}: parameter {name}: no entity is called {default!r}")
    return replace(bare, default=default)


def _bound(text: str, name: str, query: Query) -> float:
    found = _json(text, name, query)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not abs(found) < math.inf:
        raise ConfigError(f"{query.place}: parameter {name}: {text!r} is no number")
    return found


def _json(text: str, name: str, query: Query) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{query.place}: parameter {name}: {text[:80]!r} is no JSON value") from exc
