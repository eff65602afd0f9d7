"""
Telling people.
"""
