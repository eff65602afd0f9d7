"""
The page: what a person looks at, the interfaces that programs read, and control after signing in.

Its modules are imported one by one: the token's file needs none of the libraries that the server needs.
"""
