"""User vectors of a preference space: the mean entity vector over each user's sequence (EGL eq. 7)."""

from audience_graph.preferences.build import build_space, drop_space, update_space
from audience_graph.preferences.days import last_day
from audience_graph.preferences.sequences import Sequences, open_sequences

__all__ = ["Sequences", "build_space", "drop_space", "last_day", "open_sequences", "update_space"]
