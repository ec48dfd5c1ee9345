"""A small home with everything that is written about users, and what an erasure leaves of it."""
