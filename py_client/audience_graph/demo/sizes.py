"""How big a demo world is, and when it happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from audience_graph.errors import ConfigError

# Changes whenever the same size and seed give other bytes; tests/unit/test_demo_frozen.py holds the digests.
GENERATOR_VERSION = "1"

HISTORY_DAYS = 45
FUTURE_DAYS = 14
DAYS = HISTORY_DAYS + FUTURE_DAYS
# History ends before this moment, the future window begins at it. In the past, so that no clock calls it the future.
AS_OF = datetime(2025, 7, 27, tzinfo=UTC)
PHRASES = 20


@dataclass(frozen=True, slots=True)
class WorldSize:
    """Numbers of one size. `segments` multiplies the hidden services, so that clusters stay of human size."""

    name: str
    entities: int
    users: int
    sessions_per_user: float  # mean over the history window
    segments: int
    documents_per_entity: float
    users_per_chunk: int = 20_000


SIZES = {
    "small": WorldSize("small", 1_500, 5_000, 23.0, 1, 0.7),
    "medium": WorldSize("medium", 6_000, 20_000, 23.0, 3, 0.5),
    "large": WorldSize("large", 20_000, 1_000_000, 5.0, 8, 0.3),
}


def size_of(name: str) -> WorldSize:
    """Return the size of that name. Raises ConfigError for any other."""
    try:
        return SIZES[name]
    except KeyError:
        raise ConfigError(f"no world of size {name!r}", hint=f"choose one of {', '.join(SIZES)}") from None


def stream(seed: int, *path: int) -> tuple[int, ...]:
    """Return the entropy of one independent random stream of the world: never share a stream between two parts."""
    return (seed, *path)
