"""
Where a thing is made: a stack taken as cheaply as possible, made readable only when a finding needs it.

Taking a site walks the frames and keeps code objects and instruction offsets, about 4 µs for 16 frames; extracting a
traceback would cost twenty times that. Code objects stay alive with a site, frames and their locals do not.
"""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Final, TypeAlias

from hermetic.guard import late

if TYPE_CHECKING:
    from types import FrameType

    from hermetic.foundation.finding import Site

# (code, instruction offset) pairs, innermost first; the last element tells whether the stack went on.
RawSite: TypeAlias = tuple[tuple[tuple[CodeType, int], ...], bool]

# The code of up to three functions by which a test runner calls tests and fixtures.
Outermost: TypeAlias = tuple[CodeType | None, CodeType | None, CodeType | None]

NOWHERE: Final[Outermost] = (None, None, None)
DEPTH: Final = 40
"""
Frames that are kept of a stack, the libraries' included; `hermetic_frames` says how many of the user's are shown of them.
"""
_HERMETIC = str(Path(__file__).parents[2])


def take(skip: int = 1, outermost: Outermost = NOWHERE) -> RawSite:
    """
    The caller's stack; `skip` frames above the caller of this function are left out, 1 being that caller itself.

    It ends with the first frame that runs code of `outermost`: from there on the stack is the test runner's own, which
    is deeper than most tests' and the same for each.
    """
    walk: FrameType | None = sys._getframe(skip)  # noqa: SLF001 - the only way to a stack without building a traceback
    pairs: list[tuple[CodeType, int]] = []
    one, other, third = outermost
    for _ in range(DEPTH):
        if walk is None:
            return tuple(pairs), False
        code = walk.f_code
        pairs.append((code, walk.f_lasti))
        # By identity, for code objects compare by what they hold.
        if code is one or code is other or code is third:
            return tuple(pairs), False
        walk = walk.f_back
    return tuple(pairs), walk is not None


def line_of(code: CodeType, offset: int) -> int:
    """
    The source line of an instruction, 0 when unknown.
    """
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return code.co_firstlineno


class Reader:
    """
    Makes raw sites readable, cut to the frames of the user's own code.

    A frame is the user's unless its file belongs to the standard library, to installed packages, to Hermetic, or to the
    programs beside the interpreter, such as the one that starts pytest.
    Where no frame is the user's, the innermost frames of the libraries are kept: they still tell what happened.
    """

    def __init__(self) -> None:
        # Not from sysconfig, whose tables cost every run several milliseconds.
        standard = {
            str(Path(os.__file__).parent),
            f"{sys.exec_prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}",
        }
        roots = {*standard, *site.getsitepackages(), site.getusersitepackages(), _HERMETIC}
        if sys.executable:
            roots.add(os.path.dirname(sys.executable))  # noqa: PTH120 - as it is written, not what it links to
        roots |= {os.path.realpath(root) for root in roots}
        self._foreign = ("<", *(root.rstrip(os.sep) + os.sep for root in roots))
        self._standard = tuple(root + os.sep for root in standard)
        self._known: dict[str, bool] = {}

    def is_users(self, file: str) -> bool:
        known = self._known.get(file)
        if known is None:
            known = not file.startswith(self._foreign)
            self._known[file] = known
        return known

    def read(self, raw: RawSite) -> Site:
        pairs, cut = raw
        mine = [pair for pair in pairs if self.is_users(pair[0].co_filename)]
        chosen = mine or [pair for pair in pairs if not pair[0].co_filename.startswith(_HERMETIC)][:3]
        finding = late.load("hermetic.foundation.finding")
        found: Site = finding.Site(
            frames=tuple(
                finding.Frame(file=code.co_filename, line=line_of(code, offset), function=_name(code))
                for code, offset in chosen
            ),
            depth_cut=cut,
        )
        return found

    def is_direct(self, raw: RawSite) -> bool:
        """
        Whether the project's own code did it, with nothing but the standard library between.
        """
        for code, _ in raw[0]:
            file = code.co_filename
            if self.is_users(file):
                return True
            if not file.startswith(("<", _HERMETIC, *self._standard)) or "site-packages" in file:
                return False
        return False

    def is_anybodys(self, raw: RawSite) -> bool:
        """
        Whether any frame is the user's.
        """
        known = self._known
        for code, _ in raw[0]:
            file = code.co_filename
            users = known.get(file)
            if users or (users is None and self.is_users(file)):
                return True
        return False

    def innermost(self, raw: RawSite) -> tuple[str, int] | None:
        """
        File and line of the user's innermost frame, for grouping; None when no frame is the user's.
        """
        for code, offset in raw[0]:
            if self.is_users(code.co_filename):
                return code.co_filename, line_of(code, offset)
        return None

    def files(self, raw: RawSite) -> tuple[str, ...]:
        """
        The files of the user's frames, or of all where none is the user's, innermost first, each once.
        """
        files = dict.fromkeys(code.co_filename for code, _ in raw[0])
        return tuple(file for file in files if self.is_users(file)) or tuple(files)


def _name(code: CodeType) -> str:
    return code.co_qualname.replace(".<locals>.", ".")
