"""Load any file of the input contract."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from audience_graph.config import Connections, Home, find_connections
from audience_graph.entities.dictionary import Dictionary, read_dictionary
from audience_graph.entities.mention_linking import LinkOptions, MentionLinker, minilm
from audience_graph.entities.taggers import open_tagger
from audience_graph.errors import ConfigError
from audience_graph.graph.runner import open_runner
from audience_graph.ingest.append import load_corpus, load_events
from audience_graph.ingest.contract import CONTRACTS
from audience_graph.ingest.load_entities import load_entities
from audience_graph.ingest.load_users import load_users
from audience_graph.ingest.reading import LoadOptions
from audience_graph.ingest.report import LoadReport, Progress, no_progress
from audience_graph.ingest.tagging import Tagging
from audience_graph.vectors.store import open_store

_NAME_VECTORS = "entity_name_vectors.npz"


@dataclass(frozen=True, slots=True)
class TaggerOptions:
    """Which tagger reads the events, how its mentions are linked, and whom to tell how many texts are done."""

    checkpoint: Path
    linking: LinkOptions = field(default_factory=LinkOptions)
    progress: Progress = no_progress


def load(
    what: str,
    path: str | os.PathLike[str],
    *,
    home: Home,
    connections: Connections | None = None,
    options: LoadOptions = LoadOptions(),
    tagger: TaggerOptions | None = None,
) -> LoadReport:
    """Load a file of entities (to Neo4j), users (to Postgres), events or corpus (to the warehouse of `home`).

    With `tagger`, new events are tagged, and their mentions linked to the dictionary that stands in Neo4j now.
    Without `connections` the servers of `home` are used, where the kind of file needs one. Raises InputError,
    before anything is written, when the file breaks the contract; ConfigError for another kind of file, and for
    `tagger` without events; RunError when the tagger's folder is none; MigrationError when the servers lack the
    schema of this installation.
    """
    if what not in CONTRACTS:
        raise ConfigError(f"no files of {what!r}", hint=f"load one of {', '.join(CONTRACTS)}")
    if tagger is not None and what != "events":
        raise ConfigError(f"--tagger goes with events, not with {what}")
    if what == "events" and tagger is None:
        return load_events(path, home=home, options=options)
    if what == "corpus":
        return load_corpus(path, home=home, options=options)
    servers = connections if connections is not None else find_connections(home)
    if what == "users":
        return load_users(path, store=open_store(servers), options=options, home=home)
    with open_runner(servers) as runner:
        if what == "entities":
            return load_entities(path, runner=runner, options=options)
        dictionary = read_dictionary(runner)
    assert tagger is not None
    return load_events(path, home=home, options=options, tagging=_tagging(home, dictionary, tagger))


def _tagging(home: Home, dictionary: Dictionary, tagger: TaggerOptions) -> Tagging:
    opened = open_tagger(tagger.checkpoint)
    options = replace(tagger.linking, cache=home.path / "cache" / _NAME_VECTORS)
    unknown = set(options.types.values()) - {entity.type for entity in dictionary.entities}
    if unknown:
        raise ConfigError(f"no entity of type {', '.join(map(repr, sorted(unknown)))} in the dictionary")
    linker = MentionLinker(dictionary, encode=minilm(), options=options)
    return Tagging(opened, linker, tagger.progress)
