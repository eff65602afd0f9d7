"""
What each command does: one module a command or group of commands, each thin over the use cases.
"""
