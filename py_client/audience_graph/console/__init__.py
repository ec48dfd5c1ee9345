"""`audience-graph console`: the page for marketers, EGL's Figure 6 in a browser.

A service in words -> its entity graph -> the entities that stand for it -> who, how many, why -> save, send, learn.
Everything that it shows or does is one call of the Python client. Pages are made here and swapped in part by part
(`static/parts.js`); nothing comes from another host, and only whoever has the token of this run gets in.
"""
