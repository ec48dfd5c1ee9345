"""How much the graph counts where graph and sentence are fused: fitted for each user-text space on held-out windows.

`pasts.py` reads users at a past moment, `demands.py` writes sentences with who did what they tell, `judge.py` measures
the fused ranks on a grid of weights and chooses one, `fit.py` puts them together for a space of a home.
"""
