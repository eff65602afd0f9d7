"""
Settings that were changed while the program was in use: an append-only file beside the database, one JSON object a
line. The lines are the audit (who, when, from, to), and their replay is what is set now.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ip_monitor.settings.durable import sync_directory
from ip_monitor.settings.errors import Problem, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".settings.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """
    One line. Values are texts as in the environment; `after` is None when the setting was given back to the other
    sources, `before` tells what applied until then.
    """

    at: str
    who: str
    name: str
    before: str
    after: str | None


class StoredSettings:
    """
    The file beside `database`. A missing one means that nothing was changed.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + SUFFIX)

    def changes(self) -> list[SettingChange]:
        """
        Every change, oldest first. A last line that a crash cut short is passed over: it was never acknowledged.

        Raises:
            SettingsError: the file cannot be read, or another line is broken; names the line.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(f"cannot be read: {error}.") from error
        *lines, _cut_short = text.split("\n")
        found: list[SettingChange] = []
        for number, line in enumerate(lines, start=1):
            try:
                found.append(SettingChange(**json.loads(line)))
            except (ValueError, TypeError) as error:
                raise self._error(f"line {number} cannot be read; take it out, or restore the file.") from error
        return found

    def values(self) -> dict[str, str]:
        """
        What is set by these changes now, name to text.
        """
        current: dict[str, str] = {}
        for change in self.changes():
            if change.after is None:
                current.pop(change.name, None)
            else:
                current[change.name] = change.after
        return current

    def append(self, change: SettingChange) -> None:
        """
        Write a change; it survives a power loss when this returns.

        Raises:
            SettingsError: the file cannot be written; then it is as it was.
        """
        line = json.dumps(asdict(change), ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}.") from error

    def copy_to(self, database: Path) -> Path | None:
        """
        Copy the file beside another database; None when there is nothing to copy.

        Raises:
            SettingsError: it cannot be read, or the copy exists already or cannot be written.
        """
        target = StoredSettings(database).path
        try:
            with self.path.open("rb") as source:
                fcntl.flock(source.fileno(), fcntl.LOCK_SH)  # no change half written
                content = source.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}.") from error
        try:
            with target.open("xb") as file:
                target.chmod(0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            sync_directory(target.parent)
        except OSError as error:
            problem = Problem(option=None, where=str(target), wrong=f"cannot be written: {error.strerror}.")
            raise SettingsError((problem,)) from error
        return target

    def _write(self, descriptor: int, line: bytes) -> None:
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        whole = content.rfind(b"\n") + 1
        os.ftruncate(descriptor, whole)  # what a crash cut short was never acknowledged
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            if not content:
                sync_directory(self.path.parent)  # it may be new
        except OSError:
            os.ftruncate(descriptor, whole)
            raise

    def _error(self, wrong: str) -> SettingsError:
        return SettingsError((Problem(option=None, where=str(self.path), wrong=wrong),))
