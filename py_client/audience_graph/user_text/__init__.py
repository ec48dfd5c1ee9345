"""User-text spaces: users and sentences as vectors that may be compared (FIND).

space.py     the table of users' vectors, what is known of a space     encoder.py   a sentence as a vector of a space
prompts.py   sentences tuned on seed users, used by their names
"""
