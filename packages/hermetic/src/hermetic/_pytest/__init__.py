"""
The pytest plugin: it only wires.
"""
