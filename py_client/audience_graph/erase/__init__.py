"""Erase users from every table, cache and file that we wrote, and prove it."""

from audience_graph.erase.answer import Erasure, Exported
from audience_graph.erase.erasing import erase_users
from audience_graph.erase.proof import Proof, prove
from audience_graph.erase.trace import Trace

__all__ = ["Erasure", "Exported", "Proof", "Trace", "erase_users", "prove"]
