"""How Hypothesis runs: the same examples every time, and no deadline, since a first call may compile a loop."""

from hypothesis import settings

settings.register_profile("silicodec", deadline=None, derandomize=True)
settings.load_profile("silicodec")
