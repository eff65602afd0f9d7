"""
The loop and the use cases, against ports.
"""
