"""Postgres with pgvector: the store (the only import of psycopg), vector spaces, exact top-K."""
