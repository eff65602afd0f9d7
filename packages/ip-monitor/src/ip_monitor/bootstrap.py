"""
bootstrap
"""
