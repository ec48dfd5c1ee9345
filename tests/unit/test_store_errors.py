"""What a driver's error becomes at the seam to Postgres."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from audience_graph.errors import ConfigError, StoreError, StoreUnavailable
from audience_graph.vectors.store import _mapped


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (errors.DiskFull("could not extend file"), "no space left on its disk: could not extend file"),
        (errors.OutOfMemory("out of memory"), "no memory left"),
        (errors.TooManyConnections("too many"), "no connection left"),
        (errors.DeadlockDetected("deadlock detected"), "waited for another one in a circle"),
        (errors.SerializationFailure("could not serialize"), "met another one"),
        (errors.QueryCanceled("canceling statement"), "cancelled a statement"),
        (errors.LockNotAvailable("lock timeout"), "did not give a lock in time"),
        (errors.ConfigurationLimitExceeded("limit"), "Postgres failed: limit"),
    ],
)
def test_an_answer_that_refuses_is_not_silence(raised: psycopg.Error, said: str) -> None:
    with pytest.raises(StoreError, match=said) as error, _mapped():
        raise raised
    assert not isinstance(error.value, StoreUnavailable)
    assert "does not answer" not in str(error.value)


@pytest.mark.parametrize(
    "raised",
    [
        psycopg.OperationalError("connection refused"),
        errors.ConnectionTimeout("timeout expired"),
        errors.ConnectionFailure("lost"),
        errors.AdminShutdown("terminating connection"),
        errors.CrashShutdown("crash"),
        errors.CannotConnectNow("starting up"),
    ],
)
def test_silence_is_unavailable(raised: psycopg.Error) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"), _mapped():
        raise raised


def test_a_text_that_cannot_be_stored_is_told_in_words() -> None:
    raised = (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), surrogate())
    for one in raised:
        with pytest.raises(ConfigError, match="cannot be stored"), _mapped():
            raise one
    with pytest.raises(StoreError, match="out of range"), _mapped():
        raise errors.NumericValueOutOfRange("out of range")


def surrogate() -> UnicodeEncodeError:
    try:
        "\ud800".encode()
    except UnicodeEncodeError as exc:
        return exc
    raise AssertionError
