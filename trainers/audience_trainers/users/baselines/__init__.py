"""What the user model must beat, behind one protocol.

Label-free: random, popularity, popularity_matching, bm25, text_mean, item_knn. With labelled users: item_knn_few,
boosting, logistic; trained on users without labels, then probed: msdp, one4all, tabular_alone, text_alone.
Protocol and names: `users/scoring.py`; what may be seen at a cut: `users/tasks/history.py`.
"""
