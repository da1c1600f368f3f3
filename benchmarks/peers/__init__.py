"""Anhu beside Node-RED and collectd: the same messages through the same broker into the same database."""
