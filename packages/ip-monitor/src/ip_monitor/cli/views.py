"""
What a person or a journal sees: the live view on a terminal, lines everywhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ip_monitor.cli.log_lines import LogLines, logger
from ip_monitor.cli.picture import Picture
from ip_monitor.cli.session import is_live_terminal, package_log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ip_monitor.application.ports import Observer
    from ip_monitor.cli.log_lines import Lines
    from ip_monitor.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    `picture` is kept current by `observer`; `refresh` redraws it where it is drawn at all.
    """

    picture: Picture
    observer: Observer
    refresh: Callable[[], None] | None
    log: Any = None


@contextlib.contextmanager
def open_view(settings: Settings, *, plain: bool, title: str, note: str, tail: Lines | None = None) -> Generator[View]:
    """
    The live view if standard output is a terminal and `plain` is off, lines on standard output otherwise. The lines are
    written to `tail` too, if there is one.
    """
    picture = Picture()
    lines = [] if tail is None else [logger(style="text", level=settings.log_level, file=tail)]
    if not plain and is_live_terminal(sys.stdout, environ=os.environ.get):
        from ip_monitor.cli.terminal import TerminalView  # noqa: PLC0415 # only a terminal pays for rich

        handlers = [_ToPicture(picture), *map(_ToLines, lines)]
        with package_log(*handlers), TerminalView(picture, title=title, note=note) as terminal:
            yield View(picture=picture, observer=_Both(terminal, *map(LogLines, lines)), refresh=terminal.refresh)
    else:
        log = logger(style=settings.log_format, level=settings.log_level, file=sys.stdout)
        lines.insert(0, log)
        with package_log(*map(_ToLines, lines)):
            yield View(picture=picture, observer=_Both(picture, *map(LogLines, lines)), refresh=None, log=log)


class _Both:
    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def observe(self, event: Any) -> None:
        for observer in self._observers:
            observer.observe(event)


class _ToLines(logging.Handler):
    """
    The package's own log records among the other lines.
    """

    def __init__(self, log: Any) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = {"error": repr(record.exc_info[1])} if record.exc_info and record.exc_info[1] else {}
        known = {name: record.__dict__[name] for name in ("change",) if name in record.__dict__}
        self._log.log(record.levelno, record.getMessage(), **known, **error)


class _ToPicture(logging.Handler):
    """
    Keeps the newest warnings where the terminal view shows them.
    """

    def __init__(self, picture: Picture) -> None:
        super().__init__(level=logging.WARNING)
        self._picture = picture

    def emit(self, record: logging.LogRecord) -> None:
        self._picture.warnings.append(record.getMessage())
