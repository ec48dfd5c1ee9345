"""Audiences: who, how many, and why."""
