"""The front door: the `anhu` command, the demo, embedded services, the doctor."""

__version__ = "0.1.0"
