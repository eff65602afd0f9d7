"""
Keeping the history.
"""
