"""
What is open now, who opened it, and where: one tracker a kind of resource.
"""
