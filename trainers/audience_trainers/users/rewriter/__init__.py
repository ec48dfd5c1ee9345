"""Put a marketer's words into those of training with a causal language model tuned in two stages (FIND 4.4.1).

knowledge.py   stage one: conversations about the source      intents.py   stage two: questions and answers of targeting
causal.py, talk.py, tune.py   the model and how it learns      language.py   the check      rewrite.py   the rewriter
"""
