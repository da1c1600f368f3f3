"""What the service takes, beside what the same machine takes at most, in one run: `make bench`."""
