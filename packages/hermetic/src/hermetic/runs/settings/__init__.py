"""
What a project's configuration files tell pytest and its plugins, and where that contradicts itself.

Files are read as text and nothing is run, so a configuration that pytest refuses can be looked at too.
"""
