"""
Stand-ins for what is outside a test.
"""
