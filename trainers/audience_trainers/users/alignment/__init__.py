"""Align users with sentences: a user's past and a description of the same user's future, in one space (FIND 4.3.2)."""
