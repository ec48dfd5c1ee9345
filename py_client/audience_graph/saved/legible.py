"""Whether a kept query reads for Cypher as it reads for us.

Cypher decodes `\\u0027` before it looks for texts and comments, so an escape may end one that goes on for whoever reads
the file. Everything that drops a header or puts values in the place of parameters needs both to see the same texts and
comments. So does Neo4j Browser: before it parts several statements it drops every line that begins with `//`, also one
within a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from audience_graph.errors import ConfigError
from audience_graph.graph.queries import STRINGS

_ESCAPE = re.compile(r"\\u+([0-9A-Fa-f]{4})|\\.", re.DOTALL)
_LINE_ENDS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_COMMENT_LINE = re.compile(r"\n[\s\ufeff]*//")
_QUOTES = "'\"`"


def legible(place: str, text: str) -> str:
    """Return the text of a query without a byte-order mark, its lines ended by \\n.

    Raises ConfigError where an escape outside a text in quotes would be read as another character, or ends a text or a
    comment, where anything but \\n ends a line, and where a line within a text or a comment begins with `//`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for piece in _pieces(text):
        found = None if piece[0] in _QUOTES else _LINE_ENDS.search(piece)
        if found is not None:
            raise ConfigError(f"{place}: {found[0]!r} outside a text in quotes", hint="end a line with \\n")
        if STRINGS.fullmatch(piece) and _COMMENT_LINE.search(piece):
            raise ConfigError(
                f"{place}: a line within a text or a comment begins with //, and Neo4j Browser would drop it",
                hint="begin the line with something else",
            )
    meant = [_decoded(piece) if STRINGS.fullmatch(piece) else piece for piece in _pieces(text)]
    if meant != list(_pieces(_decoded(text))):
        raise ConfigError(
            f"{place}: Cypher reads \\u as another character, also in comments and as the end of one",
            hint="write the character itself, or the escape within a text in quotes",
        )
    return text


def _decoded(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[0], text)


def _pieces(text: str) -> Iterator[str]:
    """Yield texts, names in backticks and comments, and what stands between them; never an empty piece."""
    at = 0
    for found in STRINGS.finditer(text):
        if at < found.start():
            yield text[at : found.start()]
        yield found[0]
        at = found.end()
    if at < len(text):
        yield text[at:]
