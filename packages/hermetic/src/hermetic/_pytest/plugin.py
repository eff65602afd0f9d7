"""
The plugin that pytest loads through its entry point.
"""
