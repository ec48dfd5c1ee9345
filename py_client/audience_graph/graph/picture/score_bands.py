"""Bands of a score: what `audience.picture` draws a relation as, and how wide a style sheet makes it.

A style sheet sets the width of a whole relationship type, so a drawn relation has the type of its band:
`SCORE_60_80`, or `CONFIRMED_60_80` where people or results confirmed it. `gds_procs` builds the same names.
"""

from __future__ import annotations

# Widths grow faster than scores, so that neighbours can be told apart.
WIDTHS = {"0_20": 1, "20_40": 2.5, "40_60": 5, "60_80": 8, "80_100": 12}
MINED, CONFIRMED = "SCORE", "CONFIRMED"
