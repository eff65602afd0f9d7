"""
Launching pytest again, always as a subprocess.
"""
