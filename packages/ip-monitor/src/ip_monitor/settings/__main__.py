"""
The process that reads settings for another: a pickled `Request` comes in, a pickled `Loaded` or `Refused` goes out.
"""

from __future__ import annotations

import pickle
import sys

from ip_monitor.settings.validation import validate

if __name__ == "__main__":
    request = pickle.load(sys.stdin.buffer)  # noqa: S301 # from our own process, over a pipe of its own
    pickle.dump(validate(request), sys.stdout.buffer)
