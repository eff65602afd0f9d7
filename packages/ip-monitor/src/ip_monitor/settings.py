"""
settings
"""
