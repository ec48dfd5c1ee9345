"""What a user does next: sequence models fine-tuned by full cross-entropy over all items, judged leave-one-out.

The behaviour encoder of the user model, and SASRec as its peer, on one training loop and one ranking.
"""
