"""What the user model must beat: every scorer that needs no neural training of users, behind one protocol.

Label-free: random, popularity, popularity_matching, bm25, text_mean, item_knn. With labelled users: item_knn_few,
boosting, logistic. Protocol and names: `users/scoring.py`; what may be seen at a cut: `users/tasks/history.py`.
"""
