"""
What happened: journal, diagnosis, history, report.
"""
