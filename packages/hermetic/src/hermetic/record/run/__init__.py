"""
A run as its readers see it: tests with their tries, put together from the journals of all its processes.
"""

from hermetic.record.run.building import build
from hermetic.record.run.model import OUTCOMES, Counts, Phase, Run, Test, Try, Worker

__all__ = ["OUTCOMES", "Counts", "Phase", "Run", "Test", "Try", "Worker", "build"]
