"""
The kinds of process state, each a small class of its own.
"""
