"""A wrong clock for one Python process: with this folder on PYTHONPATH, its clock is `WRONG_CLOCK_S` seconds ahead.

Shifts what Hedgerow reads the time with, which decides and signs, before anything else is imported. The C library's
clock stays true: librdkafka waits until moments on it that the kernel measures by the true clock, and does not come up
behind it.
"""

import os
import time

_AHEAD_S = int(os.environ["WRONG_CLOCK_S"])
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _AHEAD_S
time.time_ns = lambda: _time_ns() + _AHEAD_S * 1_000_000_000
