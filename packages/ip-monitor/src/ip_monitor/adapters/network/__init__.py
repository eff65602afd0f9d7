"""
What this machine's own network says.
"""
