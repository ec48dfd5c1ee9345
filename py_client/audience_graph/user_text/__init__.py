"""User-text spaces: users and sentences as vectors that may be compared (FIND).

space.py     what is kept of a space                 write.py       users' vectors, made and brought up to date
encoder.py   a sentence as a vector of a space       shortlist.py   nearly the best of many users, faster
prompts.py   sentences tuned on seed users, used by their names
"""
