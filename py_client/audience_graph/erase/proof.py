"""Prove that users are gone: look for their ids, and for texts that only they wrote, wherever we write."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.config import Home
from audience_graph.entities.dictionary import read_dictionary
from audience_graph.erase.bytes_in import Needles
from audience_graph.erase.scan_files import rotating, scan_files
from audience_graph.erase.scan_servers import scan_neo4j, scan_postgres, typed_words
from audience_graph.erase.trace import Trace
from audience_graph.erase.whom import Whom
from audience_graph.erase.written import apart
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Store


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, and how much was looked through: `columns` of Postgres, `files` of the home.

    `rotating` are logs of the servers that are not looked into: they are overwritten in time.
    """

    traces: tuple[Trace, ...]
    columns: int
    files: int
    rotating: tuple[str, ...]


def prove(runner: Runner, store: Store, home: Home, whom: Whom, texts: tuple[str, ...] = ()) -> Proof:
    """Look for users in both databases and in every file of a home; nothing is changed.

    `texts` are those that only they wrote: words that somebody else said too, as the name of an entity, a document or a
    question of a marketer, are no trace.
    """
    named = [word for e in read_dictionary(runner).entities for word in (e.name, *e.aliases, e.description or "")]
    with store.transaction(read_only=True) as tx:
        said = "\n".join((*named, typed_words(tx)))
        own = frozenset(texts) - frozenset(named)
        traces, columns = scan_postgres(tx, whom, own)
    traces += scan_neo4j(runner, whom)
    needles = Needles(whom.telling, apart(own, home, said))
    in_files, files = scan_files(home, whom, own, needles)
    return Proof((*traces, *in_files), columns, files, rotating(home))
