"""Give a saved query other defaults, a title and a question: no Cypher is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audience_graph.errors import ConfigError
from audience_graph.graph.queries import HEADER
from audience_graph.saved.definition import Parameter, SavedQuery

_MOST_WORDS = 200
_UNSEEN = re.compile(r"[^ -~]")


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
        declared(p, known[p.name].check(values[p.name]) if p.name in values else p.default) for p in saved.parameters
    ]
    header = {"title": title.strip(), "question": question.strip(), "params": ", ".join(told) or "none"}
    return "\n".join(_with_header(saved.query.text.rstrip("\n").split("\n"), header)) + "\n"


def _with_header(lines: Sequence[str], header: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a query with these values in its header; its body stays, whatever comments it holds."""
    start = next((n for n, line in enumerate(lines) if not line.startswith("//")), len(lines))
    skipping = False
    for line in lines[:start]:
        match = HEADER.match(line)
        if match is not None:
            key = match["key"]
            skipping = key.lower() in header  # what goes on below goes with it
            yield f"// {key}: {header[key.lower()]}" if skipping else line
        elif not skipping:
            yield line
    yield from lines[start:]


def _check_line(label: str, words: object) -> None:
    """Raise ConfigError for words that are no line of a comment: Cypher reads \\u000a as the end of one."""
    if not isinstance(words, str) or not words.strip() or len(words) > _MOST_WORDS or not words.isprintable():
        raise ConfigError(f"a {label} is one line of at most {_MOST_WORDS} characters")
    if "\\u" in words.lower():
        raise ConfigError(f"a {label} holds no \\u: Cypher would read a character there")


def declared(parameter: Parameter, default: Any) -> str:
    """Return a parameter as a header declares it."""
    words = [parameter.kind]
    if default is not None:
        words.append(f"default {_UNSEEN.sub(_escaped, json.dumps(default, ensure_ascii=False))}")
    for word, bound in (("at least", parameter.least), ("at most", parameter.most)):
        if bound is not None:
            words.append(f"{word} {json.dumps(bound)}")
    if parameter.choices:
        words.append(f"choices {'|'.join(parameter.choices)}")
    if parameter.suggest is not None:
        words.append(f"suggest {parameter.suggest}")
    return f"{parameter.name} ({', '.join(words)})"


def _escaped(character: re.Match[str]) -> str:
    """Return a character that is not seen, or that some tool takes as the end of a line, as JSON spells it."""
    return character[0] if character[0].isprintable() else json.dumps(character[0])[1:-1]
