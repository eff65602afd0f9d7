"""
Surroundings that are harder than usual, for one process: randomness, clocks, disks, ports, descriptors, loops, load.

Each part changes one thing and puts it back, and says whether the code that ran used what it changed: a condition that a
test never meets cannot be what makes it fail.
"""
