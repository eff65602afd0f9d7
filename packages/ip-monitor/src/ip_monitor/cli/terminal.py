"""
The live view of a terminal: what the address is and since when, what each provider said, what changed.

Only a terminal pays for rich; lines in a log do not (see `log_lines`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ip_monitor.cli.wording import countdown, moment
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.domain.wording import duration

if TYPE_CHECKING:
    from types import TracebackType

    from ip_monitor.cli.picture import Picture
    from ip_monitor.domain.answers import Answer, Source
    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.events import Event

_STYLES = {
    VerdictKind.FIRST: "green",
    VerdictKind.STABLE: "green",
    VerdictKind.CHANGED: "bold yellow",
    VerdictKind.DISPUTED: "red",
    VerdictKind.OFFLINE: "red",
    VerdictKind.CAPTIVE: "red",
    VerdictKind.MULTI_EGRESS: "magenta",
}
_FAILURE_WIDTH = 14


class TerminalView:
    """
    Draws a `Picture` in place, once a second and after every event. A context manager; the last picture stays on the
    screen when it ends.

    Args:
        title: what stands at the top left.
        note: a line for the bottom, such as how to stop.
    """

    def __init__(self, picture: Picture, *, title: str, note: str) -> None:
        self._picture = picture
        self._title = title
        self._note = note
        self._console = Console(highlight=False)
        # The loop refreshes; a thread of rich's own would draw between two events of one check.
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.__enter__()
        self.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._note = ""
        self.refresh()
        self._live.__exit__(kind, error, trace)

    def observe(self, event: Event) -> None:
        self._picture.observe(event)
        self.refresh()

    def refresh(self) -> None:
        self._live.update(self.render(datetime.now(UTC)), refresh=True)

    def render(self, now: datetime) -> RenderableType:
        """
        The whole view as it looks at `now`, UTC.
        """
        parts: list[RenderableType] = [self._head(now), Text(), self._addresses(now)]
        if self._picture.sources:
            parts += [Text(), self._providers()]
        if self._picture.changes:
            parts += [Text(), self._changes(now)]
        parts += [line for line in self._remarks(now) if line is not None]
        return Group(*parts)

    def _head(self, now: datetime) -> RenderableType:
        picture = self._picture
        if picture.confirming:
            state = "a new address: asking a second time"
        elif picture.checking:
            state = "asking …"
        elif picture.next_at is not None:
            state = f"next check in {countdown((picture.next_at - now).total_seconds())}"
        else:
            state = ""
        row = Table.grid(expand=True)
        row.add_column(no_wrap=True)
        row.add_column(justify="right", no_wrap=True)
        row.add_row(Text(self._title, style="bold"), Text(state, style="cyan"))
        return row

    def _addresses(self, now: datetime) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for family in Family:
            asked = any(source.family is family for source in self._picture.sources)
            if not asked and family not in self._picture.current:
                continue
            table.add_row(Text(family.label, style="dim"), *self._address(family, now))
        return table

    def _address(self, family: Family, now: datetime) -> tuple[Text, Text, Text]:
        known, ballot = self._picture.current.get(family), self._picture.ballots.get(family)
        address = Text(str(known.address), style="bold green") if known else Text("not known", style="dim")
        since = ""
        if known:
            since = f"since {moment(known.since, now=now)} ({duration((now - known.since).total_seconds())})"
        if ballot is None:
            return address, Text(since), Text("not asked yet", style="dim")
        verdict = ballot.verdict
        if verdict.kind is VerdictKind.OFFLINE and known is None and self._other_family_is_known(family):
            return address, Text(since), Text(f"no {family.label} here", style="dim")
        if known and not verdict.kind.is_known:
            address.stylize("yellow")
        state = Text(verdict.kind.value.replace("_", " "), style=_STYLES[verdict.kind])
        if verdict.address is not None:
            state.append(f", {len(verdict.operators)} of {len(ballot.votes)} agree", style="dim")
        return address, Text(since), state

    def _other_family_is_known(self, family: Family) -> bool:
        return any(
            other is not family and ballot.verdict.kind.is_known for other, ballot in self._picture.ballots.items()
        )

    def _providers(self) -> RenderableType:
        """
        One row a provider, one column a family, so that both fit on a small terminal.
        """
        families = [f for f in Family if any(source.family is f for source in self._picture.sources)]
        rows: dict[str, dict[Family, Source]] = {}
        for source in self._picture.sources:
            rows.setdefault(source.name.removesuffix(f" {source.family.label}"), {})[source.family] = source
        table = Table.grid(padding=(0, 2))
        table.add_row(Text("provider", style="dim"), *(Text(f.label, style="dim") for f in families))
        for name, sources in rows.items():
            table.add_row(name, *(self._answer(sources.get(family)) for family in families))
        return table

    def _answer(self, source: Source | None) -> Text:
        if source is None:
            return Text()
        answer = self._picture.answers.get(source.name)
        if answer is None:
            return Text("…", style="dim")
        return self._said(answer)

    def _said(self, answer: Answer) -> Text:
        latency = f"{answer.latency_s * 1000:>6.0f} ms"
        if answer.failure is not None:
            return Text(f"{answer.failure.kind.value.replace('_', ' '):<{_FAILURE_WIDTH}}{latency}", style="red")
        ballot = self._picture.ballots.get(answer.source.family)
        believed = ballot.verdict.address if ballot else None
        known = self._picture.current.get(answer.source.family)
        believed = believed or (known.address if known else None)
        style = "green" if answer.address == believed else ("yellow" if believed else "")
        return Text(f"{answer.address!s:<{_FAILURE_WIDTH}}{latency}", style=style)

    def _changes(self, now: datetime) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_row(Text("changes", style="dim"))
        for change in self._picture.changes:
            table.add_row(moment(change.at, now=now), change.family.label, _step(change), _agreed(change))
        return table

    def _remarks(self, now: datetime) -> list[Text | None]:
        picture = self._picture
        lines: list[Text | None] = []
        for failed in list(picture.undelivered.values())[:3]:
            when = (
                "given up"
                if failed.retry_at is None
                else f"again in {countdown((failed.retry_at - now).total_seconds())}"
            )
            lines.append(Text(f"! not delivered to {failed.notice.sink}: {failed.reason} ({when})", style="yellow"))
        lines += [Text(f"! {one.what} {one.remedy}".rstrip(), style="red") for one in picture.troubles.values()]
        lines += [Text(f"! {warning}", style="yellow") for warning in picture.warnings]
        lines += self._unclear()
        if picture.ballots and all(ballot.verdict.kind is VerdictKind.OFFLINE for ballot in picture.ballots.values()):
            lines.append(Text(OFFLINE_HINT, style="yellow"))
        if lines:
            lines.insert(0, Text())
        if self._note:
            lines += [Text(), Text(self._note, style="dim")]
        return lines

    def _unclear(self) -> list[Text]:
        """
        The reason of every verdict that names no address, except where another line tells it.
        """
        plain = {VerdictKind.OFFLINE}
        return [
            Text(f"{family.label}: {ballot.verdict.reason}.", style="yellow")
            for family, ballot in self._picture.ballots.items()
            if not ballot.verdict.kind.is_known and ballot.verdict.kind not in plain
        ]


OFFLINE_HINT = (
    "No provider can be reached: this machine seems to be offline. It is asked again by itself; nothing is lost.\n"
    "To see the product work without internet: ip-monitor simulate"
)


def _step(change: Change) -> Text:
    if change.previous is None:
        return Text.assemble("first seen ", (str(change.address), "green"))
    return Text.assemble((str(change.previous), "dim"), " → ", (str(change.address), "green"))


def _agreed(change: Change) -> Text:
    count = len(change.operators)
    return Text(f"{count} operators agreed" if count else "", style="dim")
