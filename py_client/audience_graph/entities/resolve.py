"""Resolve phrases to entities: id, exact name, alias, full text, meaning. Ambiguity is shown, never guessed away.

`entities.matches` holds the rule for a clear winner. Two round trips at most without the text encoder: one for
everything exact, one for full text of what is left; the encoder is loaded only for phrases that neither finds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audience_graph.entities.matches import (
    Match,
    Resolution,
    Resolved,
    decide_meaning,
    decide_text,
    match_exactly,
    match_text,
)
from audience_graph.entities.phrase import check_phrase, exact_query, fold, words_query
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner

Encoder = Callable[[Sequence[str]], Sequence[Sequence[float]]]

_TEXT_ROWS = 25
_NEAREST = 8
_NEAREST_TYPED = 1_000  # the vector index knows no types: so many are read, and those of the types are kept
_NAMED = 3
_NO_ENCODER = "search by meaning needs the extra: pip install 'audience-graph[text]'"


def resolve(
    runner: Runner,
    phrases: str | Sequence[str],
    *,
    types: Sequence[str] = (),
    encoder: Callable[[], Encoder] | None = None,
) -> Resolution:
    """Return what each phrase means among entities of `types` (all when empty).

    Full text counts only entities of `types`. Meaning looks for them among the 1,000 entities of all types that are
    nearest. `encoder` makes the text encoder when it is needed; without one, or when its packages are missing, meaning
    is not searched. Raises NotFoundError for a phrase that nothing matches, with the nearest names as its hint;
    an ambiguous phrase is returned with its choices, and `require()` raises AmbiguousError.
    """
    asked = [check_phrase(p) for p in ([phrases] if isinstance(phrases, str) else list(phrases))]
    if not asked:
        raise NotFoundError("no phrase given", hint="type the name of a service, e.g. 'skin care'")
    asked = list(dict.fromkeys(asked))
    exact, mirror = _exact(runner, asked, types)
    hits = _text(runner, [p for p in asked if p not in exact], types)
    decided = exact | {p: d for p, found in hits.items() if (d := decide_text(p, found)) is not None}
    left = [p for p in asked if p not in decided]
    near, advice = _meaning(runner, left, types, encoder)
    decided |= {p: d for p, found in near.items() if (d := decide_meaning(p, found)) is not None}
    for phrase in asked:
        if phrase not in decided:
            raise _not_found(phrase, (*hits.get(phrase, ()), *near.get(phrase, ())), advice)
    return Resolution(tuple(decided[p] for p in asked), mirror=mirror)


def _exact(runner: Runner, phrases: Sequence[str], types: Sequence[str]) -> tuple[dict[str, Resolved], int | None]:
    asked = [_exact_parameters(i, p) for i, p in enumerate(phrases)]
    rows = runner.read(load_query("entities/resolve_exact"), {"phrases": asked, "types": list(types)})
    mirror = rows[0]["mirror"] if rows else None
    found = {p: match_exactly(p, group) for p, group in _by_phrase(phrases, rows).items()}
    return {p: r for p, r in found.items() if r is not None}, mirror


def _exact_parameters(position: int, phrase: str) -> dict[str, Any]:
    nfkc = unicodedata.normalize("NFKC", phrase)
    spellings = (phrase, phrase.strip(), " ".join(nfkc.split()), fold(phrase))
    return {
        "position": position,
        "id": phrase.strip(),
        "names": list(dict.fromkeys(spellings)),
        "lower": " ".join(nfkc.lower().split()),
        "query": exact_query(phrase),
    }


def _text(runner: Runner, phrases: Sequence[str], types: Sequence[str]) -> dict[str, tuple[Match, ...]]:
    queries = [(i, words_query(p)) for i, p in enumerate(phrases)]
    asked = [{"position": i, "query": q} for i, q in queries if q is not None]
    if not asked:
        return {}
    parameters = {"phrases": asked, "limit": _TEXT_ROWS, "types": list(types)}
    rows = runner.read(load_query("entities/resolve_text"), parameters)
    return {p: match_text(p, group) for p, group in _by_phrase(phrases, rows).items()}


def _meaning(
    runner: Runner, phrases: Sequence[str], types: Sequence[str], encoder: Callable[[], Encoder] | None
) -> tuple[dict[str, tuple[Match, ...]], str | None]:
    if not phrases or encoder is None:
        return {}, None
    try:
        vectors = encoder()([unicodedata.normalize("NFKC", p) for p in phrases])
    except (ImportError, ConfigError):
        return {}, _NO_ENCODER
    asked = [{"position": i, "vector": [float(x) for x in vector]} for i, vector in enumerate(vectors)]
    nearest = _NEAREST_TYPED if types else _NEAREST
    parameters = {"phrases": asked, "limit": _NEAREST, "types": list(types), "nearest": nearest}
    rows = runner.read(load_query("entities/resolve_meaning"), parameters)
    return {p: tuple(_near(p, row) for row in group) for p, group in _by_phrase(phrases, rows).items()}, None


def _near(phrase: str, row: Mapping[str, Any]) -> Match:
    score = float(row["score"])
    return Match(phrase, row["id"], row["name"], row["type"], "meaning", score, sensitive=row["sensitive"])


def nearest_entities(runner: Runner, phrase: str, encoder: Callable[[], Encoder]) -> tuple[Match, ...]:
    """Return the entities nearest in meaning to a phrase, best first, with their cosine; none without the encoder."""
    return _meaning(runner, [phrase], (), encoder)[0].get(phrase, ())


def _by_phrase(phrases: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {p: [] for p in phrases}
    for row in rows:
        if row["id"] is not None:
            groups[phrases[row["position"]]].append(dict(row))
    return groups


def _not_found(phrase: str, nearest: Sequence[Match], advice: str | None) -> NotFoundError:
    names = list(dict.fromkeys(m.name for m in nearest))[:_NAMED]
    hint = f"nearest names: {', '.join(names)}" if names else "`audience-graph load entities` adds entities"
    return NotFoundError(f"no entity is called {phrase!r}", hint=f"{hint}; {advice}" if advice else hint)
