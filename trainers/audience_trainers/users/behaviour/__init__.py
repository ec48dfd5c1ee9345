"""What a user did, as one vector: event texts in time order through a causal, time-aware encoder (FIND 4.2.1).

Pre-trained without labels: contrastive prediction of the next steps (eq. 6) and a cyclic regulariser (eq. 7).
"""
