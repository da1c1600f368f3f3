"""The front door: the `anhu` command, the demo, embedded services, the doctor."""

import os

__version__ = "0.1.0"

# numpy's library for matrices begins a thread for each core when it is read. The supervisor forks (anhu/keeper.py),
# which only a process of one thread does safely; and the roles share few cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
