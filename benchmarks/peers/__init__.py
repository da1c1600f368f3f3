"""The same messages into Anhu, Node-RED and collectd, side by side: `python -m benchmarks peers --help`."""
