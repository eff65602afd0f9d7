"""
Hermetic makes asynchronous integration tests trustworthy.
"""

from hermetic._version import __version__

__all__ = ["__version__"]
