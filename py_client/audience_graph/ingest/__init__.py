"""From files of the user to checked rows: the input contract, loads, and the sequences of users."""

from audience_graph.ingest.append import load_corpus, load_events
from audience_graph.ingest.load import load
from audience_graph.ingest.load_entities import load_entities
from audience_graph.ingest.load_users import load_users
from audience_graph.ingest.reading import LoadOptions
from audience_graph.ingest.report import LoadReport, Progress
from audience_graph.ingest.sequences import Sequences, arrays_per_user, build_sequences, sequences

__all__ = [
    "LoadOptions",
    "LoadReport",
    "Progress",
    "Sequences",
    "arrays_per_user",
    "build_sequences",
    "load",
    "load_corpus",
    "load_entities",
    "load_events",
    "load_users",
    "sequences",
]
