"""Consent by purpose, failing closed: the newest word of a user counts, and no word is no."""

from __future__ import annotations

from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction


def check_purpose(tx: Transaction, purpose: str) -> None:
    """Raise NotFoundError, naming those that are loaded, for a purpose that no user was ever asked about."""
    found = "SELECT EXISTS (SELECT FROM consent WHERE purpose = %s) AS known"
    if "\0" not in purpose and tx.rows(found, (purpose,))[0]["known"]:
        return
    known = [row["purpose"] for row in tx.rows("SELECT DISTINCT purpose FROM consent ORDER BY purpose")]
    named = f"loaded are: {', '.join(known)}" if known else "load users with columns `consent_<purpose>`"
    raise NotFoundError(f"no consent for a purpose {purpose!r} is loaded: nobody may be sent", hint=named)


def consented(among: str) -> str:
    """Return the SQL of the keys, of those that the query `among` gives, whose newest consent is granted now.

    Its parameter is `purpose`. A row of the future does not count yet.
    """
    return (
        f"SELECT w.key FROM consent w WHERE w.purpose = %(purpose)s AND w.as_of <= now() AND w.key IN ({among}) "
        "GROUP BY w.key HAVING max(w.as_of) FILTER (WHERE w.granted) = max(w.as_of)"
    )
