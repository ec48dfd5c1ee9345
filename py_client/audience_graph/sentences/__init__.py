"""What a marketer's sentence asks for: intent, things, amounts, payment channel, time; and what was not understood.

Nothing here needs a download or a model: rules, the dictionary, and, where an encoder is given, nearest meanings.
"""
