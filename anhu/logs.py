"""Logs: readable on a terminal, JSON lines everywhere else; never a secret (anhu/redaction.py). Nothing here logs
settings, and what others write in our process (libraries, traces, warnings) passes the same sieve."""

import logging
import os
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

from anhu.redaction import Redactor, processor, secrets_of


def configure(redactor: Redactor | None = None) -> None:
    """Set up structlog and the standard library's logging for this process; ANHU_LOG_LEVEL chooses the level. What the
    `redactor` knows is taken out beside all that looks like a secret: by default what this process's settings hold."""
    redactor = redactor or Redactor(secrets_of(os.environ))
    level = logging.getLevelNamesMapping().get(os.environ.get("ANHU_LOG_LEVEL", "INFO").upper(), logging.INFO)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    hide = processor(redactor)
    if sys.stderr.isatty():
        plain = structlog.dev.plain_traceback
        # A trace becomes text only here, so the line is looked at once more.
        console = structlog.dev.ConsoleRenderer(exception_formatter=plain)
        renderer: list[Any] = [hide, console, lambda _logger, _method, line: redactor.words(line)]
    else:
        # Without the local variables of each frame, which may hold a password or a person's data.
        traceback = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        renderer = [traceback, hide, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python would write the trace past the log, with whatever its message repeats."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("anhu").critical("uncaught error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is None or issubclass(told.exc_type, SystemExit):
        return
    structlog.get_logger("anhu").critical(
        "uncaught error in a thread",
        thread=told.thread.name if told.thread else None,
        exc_info=(told.exc_type, told.exc_value, told.exc_traceback),
    )
