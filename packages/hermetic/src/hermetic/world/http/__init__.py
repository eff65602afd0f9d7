"""
Mock HTTP servers on real sockets.
"""
