"""From a stored reading to a pushed alert: rules, detectors, engine, event log, feed."""
