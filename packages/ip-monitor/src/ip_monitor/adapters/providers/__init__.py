"""
Ways to ask for the public address.
"""
