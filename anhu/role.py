"""One role in this process: `python -m anhu.role NAME`, as `anhu serve` starts it. It does what `anhu role NAME` does,
without all the other commands, whose modules would take each role a second to read, and memory to hold."""

import sys

from anhu.language import text
from anhu.plain_errors import plain_errors
from anhu.roles import ROLES


def main() -> None:
    """Run the role until SIGTERM."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in ROLES:
        raise SystemExit(
            text(f"用法：python -m anhu.role 角色；没有角色 {name!r}", f"python -m anhu.role ROLE; no role {name!r}")
        )
    with plain_errors():
        ROLES[name]()


if __name__ == "__main__":
    main()
