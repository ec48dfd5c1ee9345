"""Saved queries in the formats of other tools: Neo4j Browser, NeoDash, Bloom; guide and style sheet of Browser."""
