"""
What a process writes, recorded by strace, and what a disk may hold of it when the power goes.

A disk owes a process only what it was made to write: a file's content when the file was synchronised, a name in a directory
when the directory was. Of all that came later anything may be there: nothing, everything, or some of it in any order, and a
write of several sectors in part. So a cut after each recorded call has many possible outcomes; `outcomes` gives the two
extremes and a few drawn from what lies between.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

SECTOR_BYTES = 512
AT_THE_END = -1
CALLS = (
    "openat,write,pwrite64,pwritev,writev,ftruncate,fallocate,fsync,fdatasync,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,sendfile,copy_file_range,mmap"
)
_LINE = re.compile(r"(\d+)\s+(.*)", re.DOTALL)
_UNFINISHED = re.compile(r"(.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_CALL = re.compile(r"(\w+)\((.*)\)\s+=\s+(-?\d+)", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_DESCRIPTOR = re.compile(r"(\d+)<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True)
class Event:
    """
    One call: what it did (`create`, `write`, `truncate`, `sync`, `unlink`, `link`, `rename`, `said`) to which path.
    """

    did: str
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""


def record(words, directory, *, log, timeout_s=60.0):
    """
    Run a program to its end; the events in `directory`, and what it said on standard output, in their order.
    """
    words = ["strace", "-f", "-y", "-xx", "-s", "10000000", "-e", f"trace={CALLS}", "-o", str(log), *map(str, words)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr
    return list(_events(log.read_text(), str(directory)))


def _events(text, directory):
    begun = {}
    for line in text.splitlines():
        pid, rest = _LINE.fullmatch(line).groups()
        if cut := _UNFINISHED.fullmatch(rest):
            begun[pid] = cut[1]
            continue
        if back := _RESUMED.fullmatch(rest):
            rest = begun.pop(pid) + back[1]
        call = _CALL.match(rest)
        if call is not None and int(call[3]) >= 0:
            event = _event(call[1], call[2], int(call[3]), directory)
            if event is not None and (event.did == "said" or event.path.startswith(directory)):
                yield event


def _event(name, arguments, result, directory):
    texts = []
    for hexed, cut in _TEXT.findall(arguments):
        assert not cut, "strace cut a buffer short"
        texts.append(_bytes(hexed))
    place = _DESCRIPTOR.match(arguments)
    path = _bytes(place[2]).decode() if place else ""
    match name:
        case "openat" if "O_CREAT" in arguments:
            event = Event("create", texts[0].decode())
        case "write" if place[1] == "1":
            event = Event("said", path, data=texts[0])
        case "write":
            event = Event("write", path, AT_THE_END, texts[0][:result])
        case "pwrite64":
            event = Event("write", path, int(arguments.rsplit(", ", 1)[1]), texts[0][:result])
        case "ftruncate":
            event = Event("truncate", path, int(arguments.rsplit(", ", 1)[1]))
        case "fsync" | "fdatasync":
            event = Event("sync", path)
        case "unlink" | "unlinkat":
            event = Event("unlink", texts[-1].decode())
        case "link" | "linkat" | "rename" | "renameat" | "renameat2":
            did = "link" if name.startswith("link") else "rename"
            event = Event(did, texts[0].decode(), target=texts[1].decode())
        case _:
            assert not (_writes(name, arguments) and directory in _paths(arguments)), (
                f"not modelled: {name}({arguments})"
            )
            event = None
    return event


def _writes(name, arguments):
    if name == "mmap":
        # The shared index of the write-ahead log is made anew from the log after a power loss, whatever is there.
        return "MAP_SHARED" in arguments and "PROT_WRITE" in arguments and "-shm" not in _paths(arguments)
    return name in {"pwritev", "writev", "fallocate", "sendfile", "copy_file_range"}


def _paths(arguments):
    return " ".join(_bytes(hexed).decode(errors="replace") for _, hexed in _DESCRIPTOR.findall(arguments))


def _bytes(hexed):
    return bytes.fromhex(hexed.replace("\\x", ""))


@dataclass
class File:
    """
    What is surely there, and what came after.
    """

    kept: bytearray = field(default_factory=bytearray)
    later: list[Event] = field(default_factory=list)
    size: int = 0

    def change(self, event):
        if event.did == "truncate":
            self.size = event.offset
        elif event.offset == AT_THE_END:
            event = replace(event, offset=self.size)
        self.size = max(self.size, event.offset + len(event.data))
        self.later.append(event)

    def sync(self):
        for event in self.later:
            apply(self.kept, event)
        self.later.clear()


@dataclass
class Disk:
    """
    Replays events.

    Attributes:
        said: what the process has said so far, line by line.
    """

    names: dict[str, File] = field(default_factory=dict)
    kept_names: dict[str, File] = field(default_factory=dict)
    later_names: list[tuple[str, File | None]] = field(default_factory=list)
    said: bytes = b""

    def play(self, event):
        match event.did:
            case "said":
                self.said += event.data
            case "sync" if event.path in self.names:
                self.names[event.path].sync()
            case "sync":
                self._sync_names(event.path)
            case "write" | "truncate":
                self.names[event.path].change(event)
            case _:
                self._play_name(event)

    def _play_name(self, event):
        if event.did == "create":
            if event.path not in self.names:
                self._name(event.path, File())
        elif event.did == "unlink":
            if event.path in self.names:
                self._name(event.path, None)
        else:
            self._name(event.target, self.names[event.path])
            if event.did == "rename":
                self._name(event.path, None)

    def outcomes(self, rng, drawn):
        """
        The directory as it may be found: nothing of what is not synchronised, all of it, and `drawn` in between.
        """
        yield self._found(lambda later: [], 0)
        yield self._found(list, len(self.later_names))
        for _ in range(drawn):
            yield self._found(lambda later: _some(later, rng), rng.randint(0, len(self.later_names)))

    def _found(self, choose, names):
        found = {**self.kept_names, **dict(self.later_names[:names])}
        contents = {}
        for path, file in found.items():
            if file is not None:
                content = bytearray(file.kept)
                for event in choose(file.later):
                    apply(content, event)
                contents[Path(path).name] = bytes(content)
        return contents

    def _name(self, path, file):
        self.later_names.append((path, file))
        if file is None:
            del self.names[path]
        else:
            self.names[path] = file

    def _sync_names(self, directory):
        left = []
        for path, file in self.later_names:
            if str(Path(path).parent) == directory:
                self.kept_names[path] = file
            else:
                left.append((path, file))
        self.later_names = left


def apply(content, event):
    if event.did == "truncate":
        del content[event.offset :]
        content.extend(bytes(event.offset - len(content)))
        return
    content.extend(bytes(max(0, event.offset - len(content))))
    content[event.offset : event.offset + len(event.data)] = event.data


def _some(later, rng):
    for event in later:
        fate = rng.random()
        if fate < 0.4:
            yield event
        elif fate < 0.6 and event.did == "write" and len(event.data) > SECTOR_BYTES:
            sectors = rng.randrange(1, len(event.data) // SECTOR_BYTES + 1)
            yield Event("write", event.path, event.offset, event.data[: sectors * SECTOR_BYTES])
