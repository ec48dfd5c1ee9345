"""Transactions that stay open and silent while their process works elsewhere: those that hold a lock."""

from __future__ import annotations

from audience_graph.vectors.store import Transaction

_LIMITS = ("idle_in_transaction_session_timeout", "transaction_timeout")  # the second one since Postgres 17


def allow_idling(tx: Transaction) -> None:
    """Lift the server's limits on idle and long transactions from this one: its end would free its locks."""
    tx.rows("SELECT set_config(name, '0', true) FROM pg_settings WHERE name = ANY(%s)", (list(_LIMITS),))
