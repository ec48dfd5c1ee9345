"""The global list of users who are never sent, whatever the audience and its consent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from audience_graph.audit import record
from audience_graph.config import Home
from audience_graph.erased import without_erased
from audience_graph.errors import ConfigError, InputError, Problem
from audience_graph.vectors.packing import csv_blocks
from audience_graph.vectors.store import Transaction

_LONGEST = 512  # bytes, as in files that are loaded
_PROBLEMS = 20
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class GivenUsers:
    """User ids that somebody gave, each once, and where from: a file's name, None for a list."""

    user_ids: tuple[str, ...]
    file: str | None


def read_users(users: Sequence[str] | os.PathLike[str]) -> GivenUsers:
    """Return the ids of a list, or of a text file with one in each line; empty lines are skipped.

    Raises InputError, with the lines, for ids that cannot be stored; ConfigError where there are none.
    """
    if isinstance(users, str):
        raise ConfigError("pass a list of user ids, or the path of a file", hint=f"[{users!r}], or Path({users!r})")
    if isinstance(users, os.PathLike):
        path, listed = Path(users), _lines(Path(users))
    else:
        path, listed = None, [(number, one) for number, one in enumerate(users, 1)]
    name = "the list of users" if path is None else path.name
    problems = [Problem(name, n, None, wanted, repr(one)[:80]) for n, one in listed if (wanted := _wanted(one))]
    if problems:
        raise InputError(f"{name}: not all are user ids", problems=problems[:_PROBLEMS], count=len(problems))
    if not listed:
        raise ConfigError(f"{name} names nobody")
    return GivenUsers(tuple(dict.fromkeys(one for _, one in listed)), None if path is None else path.name)


def suppress(tx: Transaction, who: str, given: GivenUsers, reason: str, *, home: Home | None = None) -> int:
    """Never send these users again; returns how many were not suppressed before, whose reason stays. Audited.

    Ids that are not known get a key, so that users who are loaded later are held back from the start. Those of erased
    users get none: they are not loaded again. `home` holds the key that knows them (ConfigError when it is missing).
    """
    if not reason.strip() or "\0" in reason:
        raise ConfigError("suppressing users needs a reason", hint="such as 'asked not to be contacted'")
    stays = without_erased(tx, home, given.user_ids)
    _stage(tx, replace(given, user_ids=tuple(u for u, kept in zip(given.user_ids, stays, strict=True) if kept)))
    tx.execute(
        "INSERT INTO user_key (user_id) SELECT user_id FROM given_id g "
        "WHERE NOT EXISTS (SELECT FROM user_key k WHERE k.user_id = g.user_id) ORDER BY user_id ON CONFLICT DO NOTHING"
    )
    added = tx.execute(
        "INSERT INTO suppression (key, reason, made_by) SELECT key, %s, %s FROM given_id JOIN user_key USING (user_id) "
        "ON CONFLICT DO NOTHING",
        (reason.strip(), who),
    )
    _record(tx, who, "suppress", given, {"reason": reason.strip(), "added": added})
    return added


def release_users(tx: Transaction, who: str, given: GivenUsers) -> int:
    """Take users off the list; returns how many were on it. Audited."""
    _stage(tx, given)
    removed = tx.execute(
        "DELETE FROM suppression s USING given_id g, user_key k WHERE k.user_id = g.user_id AND s.key = k.key"
    )
    _record(tx, who, "release from suppression", given, {"removed": removed})
    return removed


def count_reasons(tx: Transaction) -> list[tuple[str, int]]:
    """Return how many users are suppressed for each reason: exact, so inside only."""
    rows = tx.rows("SELECT reason, count(*) AS n FROM suppression GROUP BY reason ORDER BY n DESC, reason")
    return [(row["reason"], int(row["n"])) for row in rows]


def _stage(tx: Transaction, given: GivenUsers) -> None:
    tx.execute("DROP TABLE IF EXISTS given_id")
    tx.execute('CREATE TEMP TABLE given_id (user_id text COLLATE "C" PRIMARY KEY) ON COMMIT DROP')
    table = pa.table({"user_id": pa.array(given.user_ids, pa.string())})
    tx.copy_blocks("given_id", ("user_id",), csv_blocks(table.to_batches(_BATCH)), csv=True)
    tx.execute("ANALYZE given_id")


def _record(tx: Transaction, who: str, action: str, given: GivenUsers, told: dict[str, object]) -> None:
    record(tx, who, action, "suppression", {"count": len(given.user_ids), "file": given.file, **told})


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"{path.name} is not UTF-8 text: byte {exc.start}") from exc
    except ValueError as exc:  # NUL, or half of a surrogate pair
        raise InputError(f"no file can be named {str(path)!r}") from exc
    lines = ((number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in lines if line]


def _wanted(user_id: object) -> str | None:
    """Return what was expected in the place of an id that is none, None for a good one."""
    if not isinstance(user_id, str):
        return "text"
    if not user_id or user_id != user_id.strip():
        return "an id without space around it"
    if "\0" in user_id or any("\ud800" <= c <= "\udfff" for c in user_id):
        return "text that can be stored"
    return f"at most {_LONGEST} bytes" if len(user_id.encode()) > _LONGEST else None
