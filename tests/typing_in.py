"""Type hostile texts into the places of `text_inputs.py`, and say what a text did that a value may not do.

A value is answered, or refused in words: by an AudienceGraphError that is not a database's, within the same queries
that a harmless value of the same kind sends. Only a text that is a query itself may hear the database.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from audience_graph.cli import main
from audience_graph.client import AudienceGraph
from audience_graph.errors import AudienceGraphError, StoreError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from payloads import PAYLOADS, Payload
from text_inputs import TextInput, Written

MOST_ARGUMENT = 131_071  # bytes of one argument of a command


@dataclass
class Tried:
    """How many texts were typed, how many were answered, and what went wrong: a line each."""

    typed: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tried) -> Tried:
        self.typed, self.answered = self.typed + other.typed, self.answered + other.answered
        self.wrong += other.wrong
        return self


class Listener:
    """A client's queries: `texts` are those that it sent since `texts` was emptied."""

    def __init__(self, ag: AudienceGraph) -> None:
        self.texts: set[str] = set()
        self.ag = ag.traced(lambda _name, text, _parameters: self.texts.add(text))


def every(cost: int, place: int) -> Sequence[Payload]:
    """Return every `cost`-th payload, beginning elsewhere at each place, so that all of them are typed somewhere."""
    return PAYLOADS[place % cost :: cost]


Heard = tuple[Payload, BaseException | None, str]


def type_in(ag: AudienceGraph, one: TextInput | Written, payloads: Iterable[Payload]) -> Iterator[Heard]:
    """Type payloads in; yield each with its error (None: answered) and what was wrong ("": nothing)."""
    heard = Listener(ag)
    for text in one.harmless:
        _attempt(heard.ag, one, text)
    known = set(heard.texts)
    for payload in payloads:
        heard.texts.clear()
        error = _attempt(heard.ag, one, payload.text)
        yield payload, error, _verdict(one, payload, error, _others(one, payload.text, heard.texts, known))


def _attempt(ag: AudienceGraph, one: TextInput | Written, text: str) -> BaseException | None:
    try:
        one.ask(ag, text)
    except Exception as exc:  # noqa: BLE001 - that nothing else comes is what is tested
        return exc
    return None


def _verdict(one: TextInput | Written, payload: Payload, error: BaseException | None, new: set[str]) -> str:
    said = f"{one.name} <- {payload.label}"
    typed = isinstance(one, TextInput) and one.typed
    if error is not None and not isinstance(error, AudienceGraphError):
        return f"{said}: {''.join(traceback.format_exception(error)[-3:])}"
    if isinstance(error, StoreError) and not typed:
        return f"{said}: the database answered {error.message[:200]!r}"
    if new and not typed:
        return f"{said}: another query: {sorted(new)[0][:300]!r}"
    return ""


def _others(one: TextInput | Written, text: str, heard: set[str], known: set[str]) -> set[str]:
    """Return the queries that no harmless value sends; a value that is a comment in one may stand there."""
    new = heard - known
    if isinstance(one, Written) and one.inside:
        for before in (": ", "// "):  # as the file has it, and as a script of Browser has it
            new = {query.replace(f"{before}{text.strip()}\n", f"{before}{one.harmless[0]}\n") for query in new} - known
    return new


def read_with(ag: AudienceGraph, one: TextInput, payloads: Iterable[Payload]) -> Tried:
    """Type payloads into a place that only reads."""
    tried = Tried()
    for _, error, wrong in type_in(ag, one, payloads):
        tried += Tried(1, error is None, [wrong] if wrong else [])
    return tried


def write_with(
    ag: AudienceGraph, runner: Neo4jRunner, store: Store, one: Written, payloads: Iterable[Payload]
) -> Tried:
    """Type payloads into a place that keeps them, and look that each is kept as it was typed, or not at all."""
    tried, kept = Tried(), []
    texts = [*(Payload("harmless", text) for text in one.harmless if text), *payloads]
    for payload, error, wrong in type_in(ag, one, texts):
        tried += Tried(1, error is None, [wrong] if wrong else [])
        if error is None:
            kept.append(one.expected(payload.text))
            if one.one and read_back(runner, store, one) != kept[-1:]:
                tried.wrong.append(f"{one.name} <- {payload.label}: kept otherwise")
    if not one.one and sorted({*read_back(runner, store, one)} - {""}) != sorted({*kept} - {""}):
        strange = {*read_back(runner, store, one)} ^ {*kept}
        tried.wrong.append(f"{one.name}: not kept as typed, or never typed: {sorted(strange)[:3]!a}")
    return tried


def read_back(runner: Neo4jRunner, store: Store, one: Written) -> list[str]:
    """Return what a place holds."""
    if one.graph:
        rows = runner.read(Query("tests/typing_in", one.stored, (), (), Path(__file__)))
    else:
        with store.transaction(read_only=True) as tx:
            rows = tx.rows(one.stored)
    return [row["value"] for row in rows]


@dataclass(frozen=True)
class Said:
    """What a command said: its exit code, its two streams, and the traceback that it ended with, if any."""

    code: int
    out: str
    err: str
    crash: str = ""


def run_command(words: Sequence[str], typed: str = "") -> Said:
    """Run the command line in this process, as `python -m audience_graph.cli` runs it, with `typed` on its stdin."""
    with _streams(typed) as (out, err), mock.patch.object(sys, "argv", ["audience-graph", *words]):
        crash, code = "", 0
        try:
            main()
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        except Exception:  # noqa: BLE001 - that none comes is what is tested
            crash = traceback.format_exc()
        for stream in (out, err):
            stream.flush()
        told = [stream.buffer.getvalue().decode("utf-8", "backslashreplace") for stream in (out, err)]  # type: ignore[attr-defined]
    return Said(code, told[0], told[1], crash)


@contextmanager
def _streams(typed: str) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    given = io.TextIOWrapper(io.BytesIO(typed.encode("utf-8", "surrogateescape")), encoding="utf-8")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # strict, as a terminal's is
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with mock.patch.multiple(sys, stdin=given, stdout=out, stderr=err):
        yield out, err


def can_be_an_argument(text: str) -> bool:
    """Say whether a command line can carry a text: no NUL, half of a surrogate pair only for a raw byte, not long."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return b"\0" not in data and len(data) <= MOST_ARGUMENT


# `?` is where the payload goes.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("resolve", "--", "?"),
    ("resolve", "spa", "--type", "?", "--json"),
    ("expand", "--csv", "--", "?"),
    ("expand", "e1", "--week", "?"),
    ("expand", "e1", "--type", "?"),
    ("expand", "e1", "--hops", "?"),
    ("expand", "e1", "--sensitive-because", "?"),
    ("plan", "--", "?"),
    ("target", "--method", "graph", "--size", "5", "--", "?"),
    ("target", "e1", "--method", "?"),
    ("target", "e1", "--method", "graph", "--pick", "?"),
    ("target", "e1", "--method", "graph", "--out", "none/?.csv"),
    ("explain", "--method", "graph", "--", "?", "e1"),
    ("audience", "size", "e1", "--method", "graph", "--where", "?"),
    ("audience", "size", "e1", "--method", "graph", "--where", "city = ?"),
    ("audience", "size", "e1", "--method", "graph", "--event", "?"),
    ("audience", "size", "--among", "?"),
    ("audience", "show", "--", "?"),
    ("audience", "log", "--about", "?"),
    ("export", "send", "spring", "--to", "none/?.csv"),
    ("export", "send", "spring", "--to", "a.csv", "--purpose", "?"),
    ("export", "send", "--to", "a.csv", "--", "?"),
    ("results", "report", "--", "?"),
    ("relation", "confirm", "--", "?", "e1"),
    ("holdout", "show", "--", "?"),
    ("query", "run", "--", "?"),
    ("query", "run", "similar_services", "--param", "phrase=?"),
    ("query", "run", "similar_services", "--param", "phrase=e1", "--param", "limit=?"),
    ("query", "run", "find_by_words", "--param", "words=?", "--csv"),
    ("query", "run", "weeks", "--param", "?"),
    ("query", "cypher", "RETURN $x AS x", "--param", "x=?", "--show-query"),
    ("query", "cypher", "RETURN $x AS x", "--param", "x=?", "--json"),
    ("query", "cypher", "--", "?"),
    ("query", "show", "--", "?"),
    ("query", "save", "--of", "?", "--title", "x", "ours"),
    ("entities", "sensitive", "list", "--", "?"),
    ("?",),
)


def command_with(words: Sequence[str], payload: Payload) -> str:
    """Run a command with a payload; return what went wrong, "" for nothing."""
    said = run_command([word.replace("?", payload.text) for word in words])
    where = f"{' '.join(words)} <- {payload.label}"
    if said.crash:
        return f"{where}: {said.crash[-1500:]}"
    if said.code not in (0, 1, 2) or "Traceback" in said.out + said.err:
        return f"{where}: exit {said.code}: {said.err[-300:]}"
    return ""
