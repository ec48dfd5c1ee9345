"""The entity dictionary: reading and writing it, and linking text to it."""

from audience_graph.entities.dictionary import Dictionary, Entity, read_dictionary
from audience_graph.entities.linking import Linker
from audience_graph.entities.text import normalise, tokens

__all__ = ["Dictionary", "Entity", "Linker", "normalise", "read_dictionary", "tokens"]
