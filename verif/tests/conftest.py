"""How Hypothesis runs: the same examples every time, and no deadline, since a first call may compile a loop.

And an interrupt interrupts: what runs in the background of a shell ignores it, and so would every program that a test begins.
"""

import signal

from hypothesis import settings

settings.register_profile("silicodec", deadline=None, derandomize=True)
settings.load_profile("silicodec")
signal.signal(signal.SIGINT, signal.default_int_handler)
