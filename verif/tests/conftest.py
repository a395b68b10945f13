"""How Hypothesis runs: the same examples every time, and no deadline, since a first call may compile a loop.

An interrupt interrupts, too: what a shell runs in the background ignores it, and so would every program that a test
begins.
"""

import signal

from hypothesis import settings

settings.register_profile("silicodec", deadline=None, derandomize=True)
settings.load_profile("silicodec")
signal.signal(signal.SIGINT, signal.default_int_handler)
