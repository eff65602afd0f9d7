"""
Five small tests written the way that the suite was which this project began with; each is wrong in a way of its own.

They are kept to be looked at, and are run apart from all other tests: see docs/tutorials/from-failing-to-sound.md.
"""

collect_ignore_glob = ["test_*.py"]
