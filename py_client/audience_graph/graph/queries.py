"""Cypher files: find, parse, check, and put in what cannot travel as a parameter.

A file is one query under a header of `//` lines:

    // Purpose: entities within two hops of the seeds.
    // params: seeds (list of entity ids), fan_out (integer), relation_type (string)
    // returns: id, name, hop, relevance

On disk a query names the relation version as `$($relation_type)`, or reads it from the mirror of the current release
and names it as `$(version.relation_type)`, which any Neo4j 5.26 runs fully parameterised but expands through every
type. `Query.at_version` puts in the literal type, and the version of a release where the mirror is read, taken only
from a name of the exact form that `release` builds (`RELATES_2026_W30_1a2b3c4d`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from audience_graph.errors import ConfigError, NotFoundError, QueryError
from audience_graph.resources import resource

HEADER = re.compile(r"^//\s*(?P<key>purpose|params|returns|title|question)\s*:\s*(?P<value>.*)$", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)*")
_USED = re.compile(r"\$([A-Za-z_]\w*)")
# A text that never ends goes to the end, so that no quote in it is tried again.
STRINGS = re.compile(r"'(?:\\.|[^'\\])*+'?|\"(?:\\.|[^\"\\])*+\"?|`(?:``|[^`])*`|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*+"?+|[()\[\],]|[^"()\[\],]++', re.DOTALL)
_DYNAMIC_TYPE = re.compile(r"\$\(\s*(?:\$relation_type|version\.relation_type)\s*\)")
PREVIOUS_TYPE = "$(previous.relation_type)"
CURRENT = "MATCH (:Current {id: 'current'})-[:IS]->(version:RelationVersion)"
_RELATION_TYPE = re.compile(r"RELATES_\d{4}_W\d{2}_[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Query:
    """One Cypher query with its declared parameters and columns. `path` is None of one that is no file; then messages
    call it by its name."""

    name: str
    text: str
    params: tuple[str, ...]
    returns: tuple[str, ...]
    path: Path | None

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.name if self.path is None else f"query {self.name} ({self.path})"

    @property
    def place(self) -> str:
        """What a message about its text begins with."""
        return self.name if self.path is None else str(self.path)

    def at_version(self, relation_type: str) -> Query:
        """Return the query with the literal relationship type of one version.

        Raises QueryError when `relation_type` is not a name of the form that staging builds.
        """
        _check_type(relation_type)
        text = _DYNAMIC_TYPE.sub(relation_type, self.text)
        text = text.replace(CURRENT, f"MATCH (version:RelationVersion {{relation_type: '{relation_type}'}})")
        left = tuple(
            p for p in self.params if p != "relation_type" or re.search(r"\$relation_type\b", STRINGS.sub("", text))
        )
        return replace(self, text=text, params=left)

    def beside_version(self, relation_type: str) -> Query:
        """Return the query with the literal type of the older version that it compares with; raises as `at_version`."""
        _check_type(relation_type)
        return replace(self, text=self.text.replace(PREVIOUS_TYPE, relation_type))


def _check_type(relation_type: str) -> None:
    if _RELATION_TYPE.fullmatch(relation_type) is None:
        raise QueryError(f"{relation_type!r} is not the relationship type of a version")


def read_header(text: str) -> dict[str, str]:
    """Return the `// key: value` lines at the top of a query; a line without a key goes on with the one before."""
    header: dict[str, str] = {}
    key = ""
    for line in text.split("\n"):  # U+2028 and the like end no line for Cypher
        if not line.startswith("//"):
            break
        match = HEADER.match(line)
        if match is not None:
            key = match["key"].lower()
            header[key] = match["value"].strip()
        elif key:
            header[key] += " " + line.lstrip("/ ").strip()
    return header


def parse_query(name: str, text: str, path: Path | None) -> Query:
    """Parse one file's text. Raises ConfigError, naming file (or query) and fault, when header and body disagree."""
    header, place = read_header(text), name if path is None else path
    for wanted in ("purpose", "params", "returns"):
        if wanted not in header:
            raise ConfigError(f"{place}: the header lacks `// {wanted}:`")
    declared = _names(header["params"])
    used = tuple(dict.fromkeys(_USED.findall(STRINGS.sub("", text))))
    if set(declared) != set(used):
        raise ConfigError(f"{place}: declares parameters {sorted(declared)} but uses {sorted(used)}")
    return Query(name=name, text=text, params=declared, returns=_names(header["returns"]), path=path)


def at_commas(value: str) -> list[str]:
    """Split a header's value at the commas that stand in no quotes, parentheses or brackets."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in _TOKEN.findall(value):
        if token == "," and depth == 0:
            parts.append([])
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token, 0)
        parts[-1].append(token)
    return ["".join(part).strip() for part in parts]


def declarations(value: str) -> dict[str, str]:
    """Return what `name (words), name (words)` declares: the words by name; what is no such thing is a name."""
    found: dict[str, str] = {}
    for part in at_commas(value):
        name, opened, words = part.partition("(")
        if opened and words.endswith(")"):
            found[name.strip()] = words[:-1].strip()
        elif part:
            found[part] = ""
    return found


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in declarations(value) if name.lower() not in {"none", "-", ""})


@cache
def load_query(name: str) -> Query:
    """Load `cypher/<name>.cypher`, e.g. `load_query("entities/expand_2")`.

    Raises NotFoundError when there is no such file, ConfigError when its header disagrees with its body.
    """
    if _NAME.fullmatch(name) is None:
        raise NotFoundError(f"{name!r} is not the name of a query", hint="names look like entities/expand_2")
    path = resource("cypher") / f"{name}.cypher"
    if not path.is_file():
        raise NotFoundError(f"no query named {name}", hint="`audience-graph query list` shows them")
    return parse_query(name, path.read_text(encoding="utf-8"), path)


def list_queries() -> tuple[str, ...]:
    """Return the names of all query files, sorted."""
    root = resource("cypher")
    return tuple(sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("*.cypher")))
