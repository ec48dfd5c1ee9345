"""Who was erased, as keyed hashes: whatever names one of them again brings nobody back.

    HMAC-SHA256(key, user id)     table `erasure` in Postgres, and <home>/erasure/erased.json
    key                           AUDIENCE_GRAPH_ERASURE_KEY, else <home>/erasure/key, for its owner only

Clients of one Postgres with folders of their own share a key by the variable. Where users were erased and the key is
missing or another one, what writes users refuses: without it nobody can tell who must stay out. Nothing is hashed
before the first erasure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.config import Home, external_servers
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Store, Transaction, open_store

KEY_VARIABLE = "AUDIENCE_GRAPH_ERASURE_KEY"
SHORTEST_KEY = 16
_LOCK = int.from_bytes(b"agerase", "big")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class ErasureKey:
    """The secret of the hashes. Never printed."""

    secret: bytes

    def hash_of(self, user_id: str) -> bytes:
        """Return the 32 bytes that stand for an id; who lacks the key cannot find the id by trying."""
        return hmac.digest(self.secret, user_id.encode("utf-8", "surrogatepass"), "sha256")

    @property
    def print(self) -> str:
        """Return a fingerprint: tells one key from another, and nothing else of it."""
        return hashlib.sha256(b"audience-graph erasure key\0" + self.secret).hexdigest()[:16]


@dataclass(frozen=True, slots=True, repr=False)
class Erased:
    """The hashes of everybody who was erased, and the key that they were made with."""

    key: ErasureKey
    hashes: frozenset[bytes]

    def stays(self, user_ids: Sequence[str]) -> Mask:
        """Return (n,) True for each id that was not erased."""
        hashes, hash_of = self.hashes, self.key.hash_of
        return np.fromiter((hash_of(user) not in hashes for user in user_ids), np.bool_, len(user_ids))


def folder_of(home: Home) -> Path:
    """Return the folder of the key and the list: beside the servers' folder, which may be removed without it."""
    return home.path / "erasure"


def find_key(home: Home | None, env: Mapping[str, str] = os.environ) -> ErasureKey | None:
    """Return the key of the environment, else of the home, None without any. Raises ConfigError for a short one."""
    named = env.get(KEY_VARIABLE, "")
    if named:
        if len(named.encode()) < SHORTEST_KEY:
            raise ConfigError(f"{KEY_VARIABLE} is shorter than {SHORTEST_KEY} bytes", hint="openssl rand -hex 32")
        return ErasureKey(named.encode())
    if home is None:
        return None
    try:
        kept = (folder_of(home) / "key").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise ConfigError(f"the erasure key {folder_of(home) / 'key'} is not readable: {exc}") from exc
    if len(kept) < SHORTEST_KEY:
        raise ConfigError(f"the erasure key {folder_of(home) / 'key'} is damaged", hint="put its backup in its place")
    return ErasureKey(kept.encode())


def make_key(home: Home) -> ErasureKey:
    """Return the key; where there is none a new one is kept in the home, once, for its owner only."""
    found = find_key(home)
    if found is not None:
        return found
    folder = folder_of(home)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".key.{os.getpid()}.part"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, folder / "key")  # another process may have been first: its key counts
    except FileExistsError:
        pass
    finally:
        part.unlink()
    kept = find_key(home)
    assert kept is not None
    return kept


def read_erased(tx: Transaction, home: Home | None) -> Erased | None:
    """Return who was erased, by Postgres and by the list of the home; None when nobody was.

    Holds back an erasure until the transaction ends: what it writes is either before it, or leaves the user out.
    Raises ConfigError when the key is missing or another one.
    """
    if tx.rows("SELECT to_regclass('erasure') AS found")[0]["found"] is None:
        return read_list(home)
    tx.rows("SELECT pg_advisory_xact_lock_shared(%s)", (_LOCK,))
    rows = tx.rows("SELECT id_hash, key_print FROM erasure")
    listed = read_list(home)
    if not rows:
        return listed
    key = _checked(home, {row["key_print"] for row in rows})
    return Erased(key, frozenset(bytes(row["id_hash"]) for row in rows) | (listed.hashes if listed else frozenset()))


def lock_erasure(tx: Transaction) -> None:
    """Wait for everybody who writes users, and hold back those to come, until this transaction ends."""
    tx.rows("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def without_erased(tx: Transaction, home: Home | None, user_ids: Sequence[str]) -> Mask:
    """Return (n,) True for each id that may be written, in the transaction that writes. Raises as `read_erased`."""
    erased = read_erased(tx, home)
    return np.ones(len(user_ids), np.bool_) if erased is None else erased.stays(user_ids)


def erased_for_files(home: Home) -> Erased | None:
    """Return who must stay out of the files of a home: by its list, and by servers that the environment names.

    The embedded servers need not run: every erasure in them is in the list too. Raises ConfigError when the key is
    missing or another one, StoreUnavailable when servers that are named do not answer.
    """
    named = external_servers()
    if named is None:
        return read_list(home)
    with open_store(named).transaction(vectors=False, read_only=True) as tx:
        return read_erased(tx, home)


def read_list(home: Home | None) -> Erased | None:
    """Return who was erased by the list of a home, None without one. Raises ConfigError as `read_erased` does."""
    if home is None:
        return None
    path = folder_of(home) / "erased.json"
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
        hashes = frozenset(bytes.fromhex(one) for one in told["hashes"])
        key_print = str(told["key_print"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigError(f"{path} is not readable: {exc}", hint="erase a user again to write it anew") from exc
    return Erased(_checked(home, {key_print}), hashes) if hashes else None


def write_list(home: Home, erased: Erased) -> None:
    """Keep the list of a home, whole or not at all."""
    path = folder_of(home) / "erased.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    told = {"key_print": erased.key.print, "hashes": sorted(one.hex() for one in erased.hashes)}
    with part.open("w", encoding="ascii") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_erased_of(store: Store, home: Home | None) -> Erased | None:
    """Return who was erased, in a transaction of its own: to look, not to write."""
    with store.transaction(vectors=False, read_only=True) as tx:
        return read_erased(tx, home)


def _checked(home: Home | None, prints: set[str]) -> ErasureKey:
    key = find_key(home)
    place = "" if home is None else f", or put it back as {folder_of(home) / 'key'}"
    if key is None:
        raise ConfigError(
            "users were erased, and the key that knows them is not here", hint=f"set {KEY_VARIABLE}{place}"
        )
    if prints != {key.print}:
        raise ConfigError(
            f"users were erased with another key than this one ({key.print})",
            hint=f"the key of {' and '.join(sorted(prints))} is needed: set {KEY_VARIABLE}{place}",
        )
    return key
