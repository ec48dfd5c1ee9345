"""The user foundation model (FIND): users and sentences in one space, so that a sentence finds its audience.

What is written here learns from a user's past (events, columns, searches) and a description of the same user's future.
"""
