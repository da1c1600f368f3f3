"""Detectors: each turns readings into scores, purely; alerting/latch.py decides when a score is an alarm.

Adding a detector is one file and its line in DETECTORS.
"""

from typing import Final

from alerting.detect.detector import Detector
from alerting.detect.rate_of_rise import RateOfRise
from alerting.detect.setpoint import Setpoint

DETECTORS: Final[dict[str, Detector]] = {detector.name: detector for detector in (Setpoint(), RateOfRise())}
