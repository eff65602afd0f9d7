"""
From events to causes: rules over typed events and the structure of failures, never over the words of a message.
"""

from hermetic.record.diagnosis.judging import UNKNOWN, diagnose, diagnose_run
from hermetic.record.diagnosis.model import Confidence, Diagnosis, Evidence, Rule
from hermetic.record.diagnosis.rules import RULES

__all__ = ["RULES", "UNKNOWN", "Confidence", "Diagnosis", "Evidence", "Rule", "diagnose", "diagnose_run"]
