"""
simulate
"""
