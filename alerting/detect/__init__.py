"""Detectors: each turns readings into scores, purely; alerting/latch.py decides when a score is an alarm.

Adding a detector is one file and its line in DETECTORS.
"""

from typing import Final

from alerting.detect.anomaly import Anomaly
from alerting.detect.co_dose import EN_50291, UL_2034, CoDose
from alerting.detect.cusum import Cusum
from alerting.detect.daily_profile import DailyProfile
from alerting.detect.detector import Detector
from alerting.detect.drift import Drift
from alerting.detect.dropout import Dropout
from alerting.detect.dwell import Dwell
from alerting.detect.ewma import Ewma
from alerting.detect.excess import Excess
from alerting.detect.excess_sum import ExcessSum
from alerting.detect.flatline import Flatline
from alerting.detect.heat import Heat
from alerting.detect.rate_of_rise import RateOfRise
from alerting.detect.robust_z import RobustZ
from alerting.detect.setpoint import Setpoint
from alerting.detect.sudden_rise import SuddenRise

DETECTORS: Final[dict[str, Detector]] = {
    detector.name: detector
    for detector in (
        Setpoint(),
        RateOfRise(),
        SuddenRise(),
        Excess(),
        ExcessSum(),
        Heat(),
        CoDose("co_en50291", EN_50291),
        CoDose("co_ul2034", UL_2034),
        Ewma(),
        Cusum(),
        RobustZ(),
        DailyProfile(),
        Flatline(),
        Dropout(),
        Dwell(),
        Drift(),
        Anomaly(),
    )
}
