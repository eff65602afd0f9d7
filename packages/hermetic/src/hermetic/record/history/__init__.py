"""
Outcomes over runs, and what they allow to be said.

Nothing is imported here: a run that only leaves its outcomes must not pay for the database and the statistics.
"""
