"""
The process that reads settings for another: a pickled list of `Request` comes in, a pickled list of `Loaded` or `Refused`
goes out.
"""

from __future__ import annotations

import pickle
import sys

from ip_monitor.settings.validation import validate

if __name__ == "__main__":
    requests = pickle.load(sys.stdin.buffer)  # noqa: S301 # from our own process, over a pipe of its own
    pickle.dump([validate(one) for one in requests], sys.stdout.buffer)
