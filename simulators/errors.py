"""What can go wrong in a simulator; the docstring is the message's beginning."""


class SimulatorError(Exception):
    """The simulator cannot go on."""


class NotARecording(SimulatorError):
    """The file is not a home-fire recording this program can read."""


class BrokerUnreachable(SimulatorError):
    """No connection to the MQTT broker."""


class PanelRefused(SimulatorError):
    """The centre does not take what the panel says."""
