"""
What touches the outside; each package independent of the others.
"""
