"""Institutions without hardware: physics, fleets of devices, incidents with ground truth, replay of recorded fires.

The package knows the wire (`ingest.formats`) and nothing else of the service: what it sends, any real device could.
"""
