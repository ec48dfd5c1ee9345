"""Subcommands of `audience-graph users` that train a model and bring it to the stores."""
