"""
Whether the tests notice when the code is wrong: one small change at a time, and the tests that reach the changed line.
"""
