"""
What `./dev` needs for its larger commands; no part of either product.
"""
