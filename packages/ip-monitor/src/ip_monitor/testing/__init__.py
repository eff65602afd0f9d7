"""
Doubles and simulated surroundings for tests and for simulate.
"""
