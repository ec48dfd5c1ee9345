"""What a user searched for, read by the encoder classes of the text tower (FIND eq. 10), trained within alignment.

The last searches before a moment become one text, the newest first, and one token for the fusion.
"""
