"""
A route: what it takes, what it answers, and what it has seen.
"""

from __future__ import annotations

import mimetypes
import string
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hermetic.world.http import reply as replies
from hermetic.world.http.behaviour import Behaviour
from hermetic.world.http.calls import Call, CallLog
from hermetic.world.http.errors import BadReplyError
from hermetic.world.http.faults.model import Sender
from hermetic.world.http.reply import HeaderInput, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermetic.world.http.conduct import Conduct
    from hermetic.world.http.matchers import Criteria
    from hermetic.world.http.request import Request

Handler = Callable[["Request"], Any | Awaitable[Any]]
Answer = Reply | Sender | Handler
# `bytes` is a method below, so the type needs another name in this class.
Octets = bytes
_EMPTY = Reply()


class Route(Behaviour):
    """
    Made by `MockServer.route` and its shorthands; a stub and a spy in one.

    Without an answer it replies 200 with an empty body. Answers may be changed while the server runs; a request is
    answered by what was set when it matched.
    """

    def __init__(self, criteria: Criteria, *, name: str, owner: Behaviour) -> None:
        super().__init__(clock=owner.clock)
        self.criteria = criteria
        self.name = name
        self.log = CallLog(route=name)
        self.met = 0
        self._own: Answer | None = None
        self._steps: tuple[tuple[Answer, int | None], ...] = ()
        self._step = 0
        self._step_used = 0
        self._begins_again = False
        self._others: Callable[[], str] = str
        self._open_now: Callable[[], list[str]] = list

    def __repr__(self) -> str:
        return f"<Route {self.name} [{self.log.count} calls]>"

    # ------------------------------------------------------------ what it answers

    def reply(self, answer: Reply | Sender) -> Self:
        """
        Answer with this from now on.

        Raises:
            BadReplyError: neither a Reply nor a Fault.
        """
        self._own = _checked(answer)
        return self

    def json(self, value: Any, *, status: int = 200, headers: HeaderInput | None = None) -> Self:
        return self.reply(replies.json(value, status=status, headers=headers))

    def text(self, value: str, *, status: int = 200, headers: HeaderInput | None = None) -> Self:
        return self.reply(replies.text(value, status=status, headers=headers))

    def html(self, value: str, *, status: int = 200, headers: HeaderInput | None = None) -> Self:
        return self.reply(replies.html(value, status=status, headers=headers))

    def bytes(self, value: Octets, *, status: int = 200, headers: HeaderInput | None = None) -> Self:
        return self.reply(replies.data(value, status=status, headers=headers))

    def chunked(
        self,
        pieces: Iterable[Octets],
        *,
        status: int = 200,
        headers: HeaderInput | None = None,
        trailers: HeaderInput | None = None,
    ) -> Self:
        return self.reply(replies.chunked(pieces, status=status, headers=headers, trailers=trailers))

    def status(self, status: int, *, body: str = "", headers: HeaderInput | None = None) -> Self:
        return self.reply(replies.fail(status, body=body, headers=headers))

    def file(self, path: str | Path, *, status: int = 200, headers: HeaderInput | None = None) -> Self:
        """
        The content of a file, read now, with the content type that its name suggests.

        Raises:
            BadReplyError: it cannot be read.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise BadReplyError(what=f"file {str(path)!r}", why=error.strerror or str(error)) from error
        kind = mimetypes.guess_type(str(path))[0] or "application/octet-stream"
        reply = replies.data(content, status=status, headers=headers)
        if not any(name.lower() == "content-type" for name, _ in replies.header_pairs(headers)):
            reply = reply.with_headers((("Content-Type", kind),))
        return self.reply(reply)

    def template(self, text: str, *, headers: HeaderInput | None = None, **values: Any) -> Self:
        """
        `text` with `$name` filled in for each request: from `values` (called with the request if callable), the
        path's fields, the query. `$$` is a dollar sign. A name found nowhere is answered with 500.
        """
        form = string.Template(text)

        def fill(request: Request) -> Reply:
            names: dict[str, Any] = {**request.query, **request.params, **values}
            wanted = {name: names[name] for name in form.get_identifiers() if name in names}
            shown = {name: value(request) if callable(value) else value for name, value in wanted.items()}
            return replies.text(form.substitute(shown), headers=headers)

        if not form.is_valid():
            raise BadReplyError(what=f"template {text!r}", why="a single '$' begins a name; write '$$' for the sign")
        return self.call(fill)

    def call(self, handler: Handler) -> Self:
        """
        Answer with what `handler(request)` returns or resolves to: a Reply, or a value as for `ok`.

        It runs on the server's loop: an async one may wait as long as it likes, a plain one must not block. What it
        raises is answered with 500 and kept in `Call.error`.
        """
        if not callable(handler):
            raise BadReplyError(what=f"handler {handler!r}", why="it cannot be called")
        self._own = handler
        return self

    def then(self, *steps: Reply | Sender | Handler) -> Self:
        """
        Answer the next requests with these, one after the other; advances when a request matches.

        A step is used `times` times (once if it says nothing). After the last one the route's own answer returns; a
        route without one repeats the last step. `ok()` without a value stands for the route's own answer.
        """
        prepared = tuple((_checked(step), step.times if isinstance(step, Reply) else None) for step in steps)
        self._steps, self._step, self._step_used = prepared, 0, 0
        self._begins_again = False
        return self

    def cycle(self, *steps: Reply | Sender | Handler) -> Self:
        """
        As `then`, beginning again after the last step.
        """
        self.then(*steps)
        self._begins_again = True
        return self

    def advance(self) -> Answer:
        """
        The answer for the request that has just matched.
        """
        if self._step >= len(self._steps):
            return _EMPTY if self._own is None else self._own
        answer, times = self._steps[self._step]
        is_last = self._step == len(self._steps) - 1
        self._step_used += 1
        if is_last and self._begins_again and self._step_used >= (times or 1):
            self._step = self._step_used = 0
        elif self._step_used >= (times or 1) and not (is_last and self._own is None):
            self._step, self._step_used = self._step + 1, 0
        if isinstance(answer, Reply) and answer.is_own:
            own = _EMPTY if self._own is None else self._own
            return own.with_headers(answer.headers) if isinstance(own, Reply) else own
        return answer

    # ------------------------------------------------------------ what it has seen

    @property
    def calls(self) -> list[Call]:
        """
        Requests so far, oldest first, those still waiting for their reply included. The last 100,000 are kept.
        """
        return self.log.snapshot()

    @property
    def called(self) -> bool:
        return self.log.count > 0

    @property
    def call_count(self) -> int:
        return self.log.count

    @property
    def in_flight(self) -> list[Call]:
        return [call for call in self.log.snapshot() if not call.is_finished]

    async def wait_for(
        self,
        n: int = 1,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109  # it raises an error of its own, with what was seen
        finished: bool = False,
    ) -> list[Call]:
        """
        Return the calls once there are `n`: matched ones, or with `finished` those whose exchange is over.

        Raises:
            CallsNotSeenError: fewer came within `timeout` seconds; names what came to other routes.
        """
        return await self.log.wait_for(n, timeout=timeout, finished=finished, others=self._others)

    def wait_for_blocking(self, n: int = 1, *, timeout: float = 5.0, finished: bool = False) -> list[Call]:
        """
        `wait_for` for code that has no loop.
        """
        return self.log.wait_for_blocking(n, timeout=timeout, finished=finished, others=self._others)

    def conduct(self) -> Conduct:
        """
        What clients did on this route, to be asserted on.
        """
        from hermetic.world.http.conduct import Conduct  # noqa: PLC0415  # only those who judge pay for it

        epoch = self.clock.time() - self.clock.monotonic()
        return Conduct(self.calls, subject=f"route {self.name}", epoch_s=epoch, open_now=self._open_now)

    def forget_calls(self) -> None:
        self.log.forget()

    def answers(self) -> Mapping[str, Any]:
        """
        What is set, for reports.
        """
        return {"own": self._own, "steps": self._steps, "step": self._step}

    def name_connections_with(self, open_now: Callable[[], list[str]]) -> None:
        self._open_now = open_now

    def describe_others_with(self, others: Callable[[], str]) -> None:
        self._others = others


def _checked(answer: Any) -> Any:
    if isinstance(answer, Reply | Sender) or callable(answer):
        return answer
    raise BadReplyError(
        what=f"answer {answer!r}", why="give a Reply, a fault or a function; ok(…) makes a Reply of a value"
    )
