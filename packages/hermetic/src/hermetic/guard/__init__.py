"""
What must hold around each test.
"""
