"""Tests with a cluster of real brokers: minutes, and not part of `make test` (`make test-cluster`)."""
