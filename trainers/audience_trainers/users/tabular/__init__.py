"""What is known of a user in columns, as one vector: a TabTransformer pre-trained on masked and replaced cells.

FIND 4.2.2; Huang et al. 2020. A missing value is a value.
"""
