"""Saved queries: Cypher files that people run by name."""
