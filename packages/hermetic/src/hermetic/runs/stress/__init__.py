"""
Which condition changes how often a test fails, and what makes the failure go away.

Each test is run under calm surroundings, in which everything that can be held still is held still, and under one condition
at a time that varies one thing. A condition is named when the rate under it differs from the calm one by more than chance
explains; the calm runs are then the counterfactual: the same test without it.
"""
