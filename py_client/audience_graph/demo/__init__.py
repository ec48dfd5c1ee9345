"""The demo world: entities, relations, users and a future that are known because they were planted.

Small, medium or large, from a seed. What is written is frozen by `GENERATOR_VERSION` and a test of its digests.
"""

from audience_graph.demo.sizes import AS_OF, FUTURE_DAYS, GENERATOR_VERSION, HISTORY_DAYS, SIZES
from audience_graph.demo.world import write_world

__all__ = ["AS_OF", "FUTURE_DAYS", "GENERATOR_VERSION", "HISTORY_DAYS", "SIZES", "write_world"]
