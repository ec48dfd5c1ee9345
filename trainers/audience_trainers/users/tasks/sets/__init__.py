"""Real data sets as folders of the input contract: NAME.py reads the source, NAME.toml holds its tasks.

The sentences of every NAME.toml were written and committed before any model was run on them.
"""
