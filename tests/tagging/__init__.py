"""A tagger that trains in seconds: tiny encoder, made sentences."""
