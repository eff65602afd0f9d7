"""
Chance that does not depend on the order of things.

A server under test answers many requests at once, and which comes first differs from run to run. A shared random
generator would hand its next number to whoever came first, so the same seed would strike other requests each time.
Here nothing is shared: every draw is computed from its own name,

    (seed, server, route, who, nth, purpose, index)

where `who` is the client's label or, without one, the request's fingerprint, and `nth` counts the requests of that
`who` to that route. Two requests that differ in any part of the name draw independently; the same name always draws
the same number. What is left to order is only this: identical requests without labels are interchangeable, so which
of them is the nth may differ, but together they always share the same multiset of draws.

Source: keyed BLAKE2b as a pseudo-random function, RFC 7693 section 2.9; counter-based generation after Salmon et
al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from hermetic.world.http import bounds
from hermetic.world.http.decisions import Decided
from hermetic.world.http.errors import BoundsError
from hermetic.world.http.identity import Identity, fingerprint, labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.foundation.clock import Clock
    from hermetic.foundation.sink import Sink
    from hermetic.world.http.ports import Distribution, RequestFacts
    from hermetic.world.http.schedule import Schedule

_T = TypeVar("_T", bool, int, float, str)


class SeededDraws:
    """
    All the chance of one server. Not for use from several threads at once; a server has one.

    Args:
        seed: any whole number; equal seeds give equal draws.
        server: the server's name, which keeps servers that share a seed apart.
        clock: dates the ledger's entries.
        sink: takes one `Decided` a decision.
        schedule: an explicit schedule to follow in place of chance; what it does not name does not happen.
    """

    def __init__(self, seed: int, *, server: str, clock: Clock, sink: Sink, schedule: Schedule | None = None) -> None:
        self.seed = seed
        self.server = server
        self.schedule = schedule
        self._clock = clock
        self._sink = sink
        self._counts: dict[tuple[str, str], int] = {}
        key = blake2b(b"%d" % seed).digest()
        self._base = blake2b(key=key, digest_size=8)
        self._base.update(_framed(server))

    def __repr__(self) -> str:
        mode = "" if self.schedule is None else f" following {self.schedule!r}"
        return f"<SeededDraws of {self.server!r} [seed {self.seed!r}, {sum(self._counts.values())} requests]{mode}>"

    def draw_for(self, request: RequestFacts, *, route: str) -> SeededDraw:
        """
        The draws of this request, the next one of its client or its kind to `route`. Call it once a request, when
        the request is matched.
        """
        client = request.client
        who = fingerprint(request.method, request.target, request.body) if client is None else labelled(client)
        return self.next_of(who, route=route)

    def next_of(self, who: str, *, route: str) -> SeededDraw:
        """
        The same by name, for what is no request: a connection, a cluster's own choices.
        """
        key = (route, who)
        nth = self._counts.get(key, 0)
        self._counts[key] = nth + 1
        return SeededDraw(self, Identity(self.server, route, who, nth))

    def forget_counts(self) -> None:
        """
        Begin again at the first request of everyone, as after a restart of the whole run.
        """
        self._counts.clear()

    def uniform(self, identity: Identity, purpose: str, index: int = 0) -> float:
        """
        The uniform in [0, 1) of that name: 53 bits, the full precision of a float.
        """
        state = self._base.copy()
        state.update(
            b"".join(
                (_framed(identity.route), _framed(identity.who), b"%d.%d." % (identity.nth, index), _framed(purpose))
            )
        )
        return (int.from_bytes(state.digest(), "big") >> 11) * 2.0**-53

    def settle(self, identity: Identity, purpose: str, asked: str, compute: Callable[[], _T], nothing: _T) -> _T:
        """
        Decide, by the schedule if there is one and else by `compute`, and write the decision into the ledger.
        """
        outcome = compute() if self.schedule is None else self.schedule.outcome(identity, purpose, nothing)
        self._sink.emit(
            Decided(
                at_s=self._clock.monotonic(),
                server=identity.server,
                route=identity.route,
                who=identity.who,
                nth=identity.nth,
                purpose=purpose,
                asked=asked,
                outcome=outcome,
            )
        )
        return outcome


class SeededDraw:
    """
    What chance has in store for one request. The same question to the same lot has the same answer each time.
    """

    __slots__ = ("_draws", "identity")

    def __init__(self, draws: SeededDraws, identity: Identity) -> None:
        self._draws = draws
        self.identity = identity

    @property
    def nth(self) -> int:
        return self.identity.nth

    def __repr__(self) -> str:
        return f"<SeededDraw of {self.identity}>"

    def happens(self, purpose: str, rate: float) -> bool:
        """
        Whether something of probability `rate` happens. 0 never does, 1 always.

        Raises:
            BoundsError: `rate` is not in [0, 1].
        """
        chance = bounds.rate(rate, where=f"the rate of {purpose}")
        return self._settle(
            purpose, f"rate {chance:g}", lambda: self._draws.uniform(self.identity, purpose) < chance, nothing=False
        )

    def seconds(self, purpose: str, distribution: Distribution, *, factor: float = 1.0, extra_s: float = 0.0) -> float:
        """
        A duration from `distribution`, times `factor`, plus `extra_s`; never negative.
        """
        weather = "" if factor == 1.0 and extra_s == 0.0 else f" * {factor:g} + {extra_s:g}"
        return self._settle(
            purpose,
            f"{distribution}{weather}",
            lambda: max(0.0, distribution.sample(self, purpose) * factor + extra_s),
            nothing=0.0,
        )

    def pick(self, purpose: str, options: Sequence[str]) -> str:
        """
        One of `options`, each as likely as the others. A schedule that does not name the purpose gives "".

        Raises:
            BoundsError: there is no option.
        """
        if not options:
            raise BoundsError(where=f"the options of {purpose}", value=options, allowed="one option or more")
        return self._settle(
            purpose,
            f"one of {len(options)}",
            lambda: options[int(self._draws.uniform(self.identity, purpose) * len(options))],
            nothing="",
        )

    def verdict(self, purpose: str, asked: str, compute: Callable[[], _T], *, nothing: _T) -> _T:
        """
        A decision that comes of circumstances and not of chance (a full queue), kept in the ledger so that a
        schedule can repeat it where the circumstances would differ.
        """
        return self._settle(purpose, asked, compute, nothing=nothing)

    def uniform(self, purpose: str, index: int = 0) -> float:
        """
        A bare uniform in [0, 1), not written to the ledger: for what follows from a decision that is.
        """
        return self._draws.uniform(self.identity, purpose, index)

    def _settle(self, purpose: str, asked: str, compute: Callable[[], _T], *, nothing: _T) -> _T:
        return self._draws.settle(self.identity, purpose, asked, compute, nothing)


def _framed(text: str) -> bytes:
    # Netstrings: with plain concatenation ("a", "bc") and ("ab", "c") would be one name.
    raw = text.encode("utf-8", "surrogateescape")
    return b"%d:%b," % (len(raw), raw)
