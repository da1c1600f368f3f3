"""One role in this process: `python -m anhu.role NAME`, as `anhu serve` starts it. It does what `anhu role NAME` does,
without all the other commands, whose modules would take each role a second to read, and memory to hold."""

import signal
import sys


def main() -> None:
    """Run the role until SIGTERM."""
    # Ctrl-C reaches every process of the terminal; whoever started us ends us by SIGTERM, and the role listens to both
    # as soon as it has been read in. Until then an interrupt would only leave a trace.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from anhu.language import text
    from anhu.plain_errors import plain_errors
    from anhu.roles import ROLES

    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in ROLES:
        raise SystemExit(text(f"没有角色 {name!r}", f"no role {name!r}"))
    with plain_errors():
        ROLES[name]()


if __name__ == "__main__":
    main()
