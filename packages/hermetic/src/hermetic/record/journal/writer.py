"""
Writes a journal that survives the death of its process.

Events are kept in memory for a moment and written together: when a test begins, by a thread that no test notices when none does
for `PERIOD_S`, and at once when much has come together. The thread leaves it to the tests where it can, so that it seldom asks for
the interpreter's lock. What has been written is in the kernel's hands, so a killed process loses at most the events of the last
two periods; the test that runs stands in the header meanwhile. Encoding is put off as well: an event costs its test little more
than being put into a list. Only a machine that loses power can lose more; there is no fsync.

A disk that is full for a while loses nothing: what could not be written is kept and tried again, up to a bound, and at the
end it goes to the directory for temporary files.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path

# Taken at import: a test may break the module's own.
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from hermetic._version import __version__
from hermetic.guard.sentry import Sentry
from hermetic.record.journal import place
from hermetic.record.journal.line import SCHEMA_VERSION, Beginnings, Encoder
from hermetic.record.journal.running import Running, with_room
from hermetic.record.moments import phase_passed, run_ended, test_began

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from hermetic.foundation import Event
    from hermetic.record.moments import Moment

PERIOD_S: Final = 0.04
# What is younger than this may wait for the next test or the next look.
_YOUNG_S: Final = 0.02
_MANY = 256
_KEPT_BYTES = 16 * 2**20
# With these, whoever reads the file knows what was going on, whatever happens to the process next.
_AT_ONCE = frozenset({"test.began", "guard.deadline_passed", "run.ended"})


class JournalWriter:
    """
    A Sink that writes to a file. Safe from any thread; `emit` never raises.

    `problem` is the first reason for which writing failed, and `lost` counts the events that are nowhere. `told` is what a
    user must know about where the journal is. The file's name may differ from the one asked for, see `path`.

    Args:
        path: where to write; directories are made.
        run: the id of the run, shared by all its processes.
        worker: the name of this process among them, empty when it is the only one.
        about: more for the header: values of JSON.
        tests: asked for the names of all tests of the run when one holds a secret, so that tests are told apart without it.
        sample: asked with the monotonic time, whenever something is about to be written, for an event that nobody else emits.
        copy: given whatever is written, as it was told and as text: the header, a line, or both lines of a test that passed.
        is_strict: raise when nothing can be written at `path`, in place of going elsewhere.

    Raises:
        JournalError: nothing can be written at `path`, or nowhere at all.
    """

    def __init__(
        self,
        path: Path,
        *,
        run: str = "",
        worker: str = "",
        about: dict[str, Any] | None = None,
        is_strict: bool = True,
        tests: Callable[[], Iterable[str]] = tuple,
        sample: Callable[[float], Moment | None] | None = None,
        copy: Callable[[Sequence[Event | Moment], str], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        run = run or uuid4().hex[:16]
        taken = (place.take if is_strict else place.take_somewhere)(path, run=run)
        self.path, self.told = taken.path, taken.told
        self.run = run
        self.problem = ""
        self.lost = 0
        self._file = taken.file
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._encoder = Encoder(tests)
        self._beginnings = Beginnings()
        self._copy = copy
        self._events: list[Event | Moment] = []
        self._flushed = 0.0
        # When the last test began.
        self._began = 0.0
        # Whether the thread has been woken since the last fork, before which it steps aside.
        self._is_watched = False
        self._unwritten = bytearray()
        self._unwritten_events = 0
        self._sample = sample
        self._sentry = Sentry(self._look, period_s=PERIOD_S)
        _flush_before_forks(self)
        header = {
            "kind": "journal",
            "schema": SCHEMA_VERSION,
            "hermetic": __version__,
            "run": run,
            "worker": worker,
            "host": socket.gethostname(),
            "pid": self._pid,
            "python": platform.python_version(),
            "platform": sys.platform,
            "started_at": wall_clock(),
            "at_s": monotonic(),
            **(about or {}),
        }
        # A line that a killed process left half written ends here.
        size = os.fstat(self._file).st_size
        begin = b"\n" if size else b""
        text = self._encoder.line(header)
        if copy is not None:
            copy((), text)
        line, room = with_room(text)
        self._unwritten += begin + line
        self._unwritten_events = 1
        self._write()
        # A header that is not on the disk yet has no place there.
        is_there = not self._unwritten and os.fstat(self._file).st_size == size + len(begin) + len(line)
        self._running = Running(self.path, offset=size + len(begin) + room) if is_there else None

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if event.kind in _AT_ONCE:
            self._beat()
        else:
            self._wait(monotonic())

    def tell(self, moment: Moment) -> None:
        """
        Emit an event that is not made yet. It never raises, but may when it is made: then the event is lost, and told.
        """
        make, values = moment
        if make is phase_passed and self._is_watched:
            # Three times a test: who begins the next one, or the thread, looks at the time.
            self._events.append(moment)
            return
        if make is test_began:
            self._begin(moment)
            return
        self._events.append(moment)
        now: Any = values[0]
        if make is run_ended:
            self._beat()
        elif not self._is_watched or now - self._flushed > PERIOD_S or len(self._events) >= _MANY:
            self._wait(now)

    def _begin(self, moment: Moment) -> None:
        # When the test before began on the disk, it may stand there without its end, and would be taken for one that runs as well.
        now = monotonic()
        if self._flushed >= self._began or now - self._flushed > _YOUNG_S:
            self._beat()
            now = monotonic()
        moment, text = self._beginnings.take(moment)
        self._began = now
        self._events.append(moment)
        # A forked child has its own story.
        if self._running is None or self._pid != os.getpid() or not self._running.tell(text):
            self._beat()
        elif not self._is_watched or now - self._flushed > PERIOD_S or len(self._events) >= _MANY:
            self._wait(now)

    def _wait(self, now: float) -> None:
        # The thread may not get its turn on a busy machine: what may have waited for longer is written by who emits next.
        if now - self._flushed > PERIOD_S or len(self._events) >= _MANY:
            self._beat()
        elif self._file >= 0:
            self._is_watched = True
            self._sentry.wake()

    def unwatch(self) -> None:
        """
        Wake the thread with the next event: it may have stepped aside.
        """
        self._is_watched = False

    def _look(self) -> None:
        if monotonic() - self._flushed > _YOUNG_S:
            self._beat()

    def _beat(self) -> None:
        if self._sample is not None and self._file >= 0:
            event = self._sample(monotonic())
            if event is not None:
                self._events.append(event)
        self.flush()

    def flush(self) -> None:
        """
        Write what has been emitted. It never raises.
        """
        if not self._events and not self._unwritten:
            return
        # A forked child has its own story, two processes would claim one header; and a thread that is not there any more may have
        # held the lock.
        if self._pid != os.getpid():
            self._events.clear()
            return
        with self._lock:
            if self._file < 0:
                self._events.clear()
                return
            # Other threads append while this one takes: a slice of what is there now, then no more than that is removed.
            self._flushed = monotonic()
            taken = self._events[:]
            del self._events[: len(taken)]
            index, end, lines = 0, len(taken), list[tuple[str, int]]()
            while index < end:
                count = 1
                try:
                    line, count = self._encoder.take(taken, index)
                except Exception as error:  # noqa: BLE001 - a sink never raises; what cannot be encoded is told
                    self._lose(1, f"{_name(taken[index])} could not be encoded: {type(error).__name__}: {error}")
                else:
                    lines.append((line, count))
                    if self._copy is not None:
                        self._copy(taken[index : index + count], line)
                index += count
            self._add(lines)
            self._write()

    def _add(self, lines: list[tuple[str, int]]) -> None:
        text = "".join([line for line, _ in lines])
        if len(self._unwritten) + len(text) <= _KEPT_BYTES:
            self._unwritten += text.encode("ascii")
            self._unwritten_events += sum([count for _, count in lines])
            return
        for line, count in lines:
            if len(self._unwritten) + len(line) > _KEPT_BYTES:
                self._lose(count, "more was waiting for the disk than may be kept in memory")
                continue
            self._unwritten += line.encode("ascii")
            self._unwritten_events += count

    def _write(self) -> None:
        try:
            while self._unwritten:
                written = os.write(self._file, self._unwritten)
                del self._unwritten[:written]
            self._unwritten_events = 0
        except OSError as error:
            self.problem = self.problem or error.strerror or str(error)

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        self.problem = self.problem or why

    def close(self) -> None:
        """
        Write what is left and close the file; later events are ignored. May be called more than once.
        """
        self._sentry.rest()
        self.flush()
        with self._lock:
            file, self._file = self._file, -1
            if file < 0 or self._pid != os.getpid():
                return
            if self._unwritten:
                self._save_rest()
            if self._running is not None:
                self._running.close()
        with contextlib.suppress(OSError):
            os.close(file)

    def _save_rest(self) -> None:
        rest = Path(tempfile.gettempdir()) / f"hermetic-{self.run}-rest-of-{self.path.name}"
        try:
            rest.write_bytes(self._unwritten)
        except OSError:
            self._lose(self._unwritten_events, "nothing could be written to the directory for temporary files either")
            with contextlib.suppress(OSError):
                rest.unlink()
        else:
            self.told = f"{self.path}: {self.problem}. The rest of this run's journal is {rest}: append it"
        self._unwritten.clear()

    @property
    def complaint(self) -> str:
        """
        What the user must be told about this journal, empty when all is well.
        """
        if self.lost:
            return f"{self.path}: {self.lost} events are lost: {self.problem}"
        return self.told or (f"{self.path}: {self.problem} (tried again; nothing is lost)" if self.problem else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _name(one: Event | Moment) -> str:
    return one[0].__name__ if isinstance(one, tuple) else one.kind


def _flush_before_forks(writer: JournalWriter) -> None:
    known = weakref.ref(writer)

    def flush() -> None:
        one = known()
        if one is not None:
            one.flush()

    def look_again() -> None:
        one = known()
        if one is not None:
            one.unwatch()

    os.register_at_fork(before=flush, after_in_parent=look_again, after_in_child=look_again)
