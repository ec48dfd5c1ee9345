"""Few-shot targeting: a few seed users tune learnable tokens in front of a sentence, towers frozen (FIND 4.4.2).

Users without labels lean it further (`crowd`). The result is one vector in the space of users, used like a sentence,
and a verdict: do the seeds say anything at all?
"""
