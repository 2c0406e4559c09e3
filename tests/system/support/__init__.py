"""What the system tests stand on: the real programs on loopback, in a directory of their own, on ports of their own.

    suite    which functions are tests, and what is printed about them
    world    trackers and clients of one test, and what must be gone after it
    program  one process: its lines, its end, its signals
    files    making and comparing files

The Python standard library is all they need. No test waits for time to pass: each waits for a line, an end or a
condition, under a deadline that is generous because the programs are sanitized and the machine may be busy.
"""
