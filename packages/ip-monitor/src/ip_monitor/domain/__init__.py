"""
Pure rules: addresses, answers, ballots, verdicts, changes. Imports no library that does input or output.
"""
