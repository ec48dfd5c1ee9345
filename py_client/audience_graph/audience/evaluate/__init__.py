"""Evaluate definitions: exact sets of users, the rankings in them, sizes step by step."""
