"""ARALLM: a sentence becomes a structured tag query, and users are chosen by the tags that they hold.

By rules where no weights are at hand (`arallm_grammar`), by a causal language model (`arallm`, `arallm_tuned`).
Wang et al., "Know Your Needs Better: Towards Structured Understanding of Marketer Demands with Analogical Reasoning
Augmented LLMs", 2024; a baseline of FIND 5.1.2.
"""
