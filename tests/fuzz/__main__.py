"""`python -m tests.fuzz [SECONDS] [DECODER…]`: every decoder fed with what atheris (libFuzzer) makes of its seeds, led
by the lines that are reached. The seconds are those of all together; each runs in a process of its own.

What makes one fail is kept in tests/fuzz/found, where tests/unit/test_decoders.py tries it from then on. The exit code
is 1 where something was found, and 0 where nothing was, or where there is no atheris for this Python: that is said, and
hypothesis tries the decoders all the same.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None
else:
    # Once for all decoders, each of which runs in a fork of this process: the imports take ten seconds.
    with atheris.instrument_imports(include=["ingest", "alerting", "inspection", "dashboard", "tomllib"]):
        import tests.fuzz.decoders

FOUND = Path(__file__).parent / "found"
SECONDS = 300.0
MEMORY_MIB_MAX = 2048
INPUT_S_MAX = 20  # longer than this on one input is a failure, too
_RUNS = re.compile(r"stat::number_of_executed_units: +(\d+)")
_REACHED = re.compile(r"cov: (\d+)")


def main(arguments: list[str]) -> int:
    """The exit code."""
    if atheris is None:
        print("atheris 没有适用于此 Python 或系统的版本：覆盖率引导的模糊测试未运行。")
        print("There is no atheris for this Python or system: the search led by coverage has not been run.")
        return 0
    seconds = float(arguments.pop(0)) if arguments and arguments[0].replace(".", "").isdigit() else SECONDS
    known = [each.name for each in tests.fuzz.decoders.DECODERS]
    if unknown := set(arguments) - set(known):
        print(f"没有这个解码器 / no such decoder: {', '.join(sorted(unknown))}")
        return 2
    chosen = arguments or known
    each_s = max(1, round(seconds / len(chosen)))
    failed = [name for name in chosen if not search(name, each_s)]
    if failed:
        print(f"失败 / failed: {', '.join(failed)} → {FOUND}")
    return bool(failed)


def search(name: str, seconds: int) -> bool:
    """Whether nothing was found in that time; says what was tried."""
    decoder = next(each for each in tests.fuzz.decoders.DECODERS if each.name == name)
    (FOUND / name).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryFile("w+", errors="replace") as said:
        for number, seed in enumerate(decoder.seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = {
            "max_total_time": seconds, "timeout": INPUT_S_MAX, "rss_limit_mb": MEMORY_MIB_MAX, "max_len": 65_536,
            "seed": 1, "print_final_stats": 1, "artifact_prefix": f"{FOUND / name}/",
        }  # fmt: skip
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            atheris.Setup([name, corpus, *(f"-{option}={value}" for option, value in options.items())], decoder.run)
            atheris.Fuzz()  # ends the process
        _, status = os.waitpid(child, 0)
        said.seek(0)
        told = said.read()
    if not any((FOUND / name).iterdir()):
        (FOUND / name).rmdir()
    runs, reached = _RUNS.findall(told), _REACHED.findall(told)
    count, edges = int(runs[-1]) if runs else 0, reached[-1] if reached else "?"
    print(f"{name:26} {count:>9,} 次 / runs  {edges:>5} 处 / edges", flush=True)
    if status:
        print(told[-6000:], flush=True)
    return status == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
