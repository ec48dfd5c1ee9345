"""The input contract: which columns a file has, and what a cell may hold.

    entities   id*, name*, type*, aliases, description, sensitive
    events     event_id, user_id*, time*, channel*, text, entity_ids, items, merchant, category, amount, status,
               payment_channel          (text may be empty where entity_ids or items are given)
    users      user_id*, as_of, consent_<purpose>..., any other column
    corpus     doc_id, text*, entity_ids

`*` = never empty. Text is UTF-8. An empty cell means "not given". Times are ISO 8601; a time without a zone is UTC.
Lists are `a|b|c` or a JSON array (in Parquet and JSONL also a real list). Flags are true/false, yes/no or 1/0.

Names count in small and capital letters: `age` and `Age` of a users file are two columns and both are stored. A name
that differs from one of the contract in case alone (`User_ID`, `Consent_ads`), or two purposes that do, is refused:
name it with a mapping. A purpose is given once, as `consent_<purpose>` or inside an object `consent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_ID_BYTES = 512
MAX_NAME_BYTES = 2_000
MAX_TEXT_BYTES = 1_000_000
MAX_COUNT = 2**31 - 1
EARLIEST = "1990-01-01"
CONSENT = "consent_"


class Kind(StrEnum):
    """What the cells of a column hold."""

    ID = "id"
    NAME = "name"
    TEXT = "text"
    TIME = "time"
    AMOUNT = "amount"
    COUNT = "count"
    FLAG = "flag"
    LIST = "list"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract. `filled`: no cell may be empty, unless a column of `unless` is given."""

    name: str
    kind: Kind
    filled: bool = False
    unless: tuple[str, ...] = ()

    @property
    def max_bytes(self) -> int:
        return {Kind.ID: MAX_ID_BYTES, Kind.NAME: MAX_NAME_BYTES}.get(self.kind, MAX_TEXT_BYTES)


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of one kind of file. `open`: other columns belong to it too (users)."""

    what: str
    columns: tuple[Column, ...]
    open: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


ENTITIES = Contract(
    "entities",
    (
        Column("id", Kind.ID, filled=True),
        Column("name", Kind.NAME, filled=True),
        Column("type", Kind.ID, filled=True),
        Column("aliases", Kind.LIST),
        Column("description", Kind.TEXT),
        Column("sensitive", Kind.FLAG),
    ),
)
EVENTS = Contract(
    "events",
    (
        Column("event_id", Kind.ID),
        Column("user_id", Kind.ID, filled=True),
        Column("time", Kind.TIME, filled=True),
        Column("channel", Kind.ID, filled=True),
        Column("text", Kind.TEXT, filled=True, unless=("entity_ids", "items")),
        Column("entity_ids", Kind.LIST),
        Column("items", Kind.LIST),
        Column("merchant", Kind.NAME),
        Column("category", Kind.NAME),
        Column("amount", Kind.AMOUNT),
        Column("status", Kind.NAME),
        Column("payment_channel", Kind.NAME),
    ),
)
USERS = Contract("users", (Column("user_id", Kind.ID, filled=True), Column("as_of", Kind.TIME)), open=True)
CORPUS = Contract(
    "corpus",
    (
        Column("doc_id", Kind.ID),
        Column("text", Kind.TEXT, filled=True),
        Column("entity_ids", Kind.LIST),
    ),
)
CONTRACTS: dict[str, Contract] = {c.what: c for c in (ENTITIES, EVENTS, USERS, CORPUS)}

# Code of a broken cell -> what was expected there. One character each: a row's codes are one short string.
OK = "0"
EXPECTED: dict[str, str] = {
    "m": "a value",
    "s": "no space around it",
    "l": "at most {max_bytes:,} bytes",
    "n": "text without NUL characters",
    "t": "a time in ISO 8601, like 2024-05-01T12:30:00Z",
    "f": "a time that is not in the future",
    "a": f"a time since {EARLIEST[:4]}",
    "x": "a number",
    "i": "a finite number",
    "w": "a whole number of at least 0",
    "g": f"at most {MAX_COUNT:,}",
    "b": "true or false",
    "j": "a list: a|b|c or a JSON array",
    "e": "a list without empty values",
}


def expected(column: Column, code: str) -> str:
    """Return in words what a cell with this code should have held."""
    if code == "m" and column.unless:
        return f"a value here, or in {' or '.join(column.unless)}"
    return EXPECTED[code].format(max_bytes=column.max_bytes)
