"""Shared by the tests of what leaves: a world with audiences, and receivers that record."""
