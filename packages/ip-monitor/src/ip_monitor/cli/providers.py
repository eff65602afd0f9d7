"""
`ip-monitor providers`: who is asked, what each says when asked alone, how they do, and deciding about them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.options import json_option, settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.application.providers import ManagedProvider
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Request, Settings

_MILLI = 1000


@click.group()
def command() -> None:
    """
    Who is asked. What is decided here is kept in the database, and a running monitor takes it over at once. A NAME is as
    listed, or without the family for all of that name; capital letters do not matter.
    """


@command.command(name="list")
@settings_options
@click.option("--all", "everything", is_flag=True, help="Also who is known and not asked.")
@json_option
def list_providers(request: Request, *, everything: bool, as_json: bool) -> None:
    """
    Everybody that is asked, in the order asked.
    """
    found = [one for one in managed(load_here(request).settings) if everything or one.is_enabled]
    if as_json:
        echo_json([_described(one) for one in found])
        return
    rows = [
        (
            one.spec.name,
            one.spec.operator,
            f"{one.spec.source.weight:g}",
            "yes" if one.is_enabled else "no",
            str(one.priority),
            _bare(one.spec.url),
        )
        for one in found
    ]
    echo_table(("provider", "operator", "weight", "asked", "priority", "at"), rows)


@command.command()
@settings_options
@click.argument("name")
@click.argument("url")
@click.option("--family", type=click.Choice(["ipv4", "ipv6", "both"]), default="ipv4", show_default=True)
@click.option("--format", "style", type=click.Choice(["auto", "text", "json", "trace"]), default="auto")
@click.option("--path", default="", help="Where in JSON the address is, such as data.ip.")
@click.option("--operator", default="", help="Who runs it: those of one operator share a vote.")
@click.option("--weight", type=float, help="Of its operator's vote, 0 to 100.")
@click.option("--plain-http", is_flag=True, help="Allow http://, which anybody on the way can forge.")
@click.option("--private-address", is_flag=True, help="Allow a server on an internal address.")
@json_option
def add(request: Request, /, *, name: str, url: str, as_json: bool, **options: Any) -> None:
    """
    Ask one more. Its server must be on a public address, now and at every question; a refusal names the rule.
    """
    added = _decide(
        request,
        "add",
        as_json=as_json,
        name=name,
        url=url,
        family=options["family"],
        format=options["style"],
        path=options["path"],
        operator=options["operator"],
        weight=options["weight"],
        allow_plain_http=options["plain_http"],
        allow_private_address=options["private_address"],
    )
    _tell(added, "is asked from now on", as_json=as_json)


@command.command()
@settings_options
@click.argument("name")
@json_option
def remove(request: Request, *, name: str, as_json: bool) -> None:
    """
    Forget one that was added by hand.
    """
    removed = _decide(request, "remove", as_json=as_json, name=name)
    for each in () if as_json else removed:
        click.echo(f"{each} was removed")


@command.command()
@settings_options
@click.argument("name")
@json_option
def enable(request: Request, *, name: str, as_json: bool) -> None:
    """
    Ask one that is known and was not asked.
    """
    _tell(_decide(request, "enable", as_json=as_json, name=name), "is asked from now on", as_json=as_json)


@command.command()
@settings_options
@click.argument("name")
@json_option
def disable(request: Request, *, name: str, as_json: bool) -> None:
    """
    Ask one no more. The last one of a family stays.
    """
    _tell(_decide(request, "disable", as_json=as_json, name=name), "is not asked any more", as_json=as_json)


@command.command()
@settings_options
@click.argument("name")
@click.argument("priority", type=int)
@json_option
def prioritise(request: Request, *, name: str, priority: int, as_json: bool) -> None:
    """
    Give one a PRIORITY, 0 to 1000: higher ones are asked and listed first.
    """
    decided = _decide(request, "prioritise", as_json=as_json, name=name, priority=priority)
    _tell(decided, f"has priority {priority}", as_json=as_json)


@command.command()
@settings_options
@click.argument("name", required=False)
@json_option
def stats(request: Request, *, name: str | None, as_json: bool) -> None:
    """
    How each does, the best first: share of answers, agreement, lies, latency, score, last error.
    """
    ranks: list[dict[str, Any]] = _ranks(request, name)
    if as_json:
        echo_json(ranks)
        return
    head = ("rank", "provider", "score", "asked", "answered", "agreed", "lies", "p50", "p95", "last error")
    echo_table(head, [_rank_row(one) for one in ranks])


@command.command()
@settings_options
@click.argument("name", required=False)
@json_option
def test(request: Request, *, name: str | None, as_json: bool) -> int:
    """
    Ask each of them once, or only those whose name begins with NAME. Records nothing. Exit status 1 if one gave no
    address.
    """
    settings = load_here(request).settings
    known = managed(settings)
    specs = [
        one.spec
        for one in known
        if (one.is_enabled if name is None else one.spec.name.lower().startswith(name.lower()))
    ]
    if not specs:
        raise click.UsageError(f"no provider has a name that begins with {name!r}; `ip-monitor providers list --all`.")
    answers = asyncio.run(ask_all(settings, specs))
    if as_json:
        echo_json([_answered(answer) for answer in answers])
    else:
        echo_table(("provider", "latency", "answer"), [_row(answer) for answer in answers])
    return ExitStatus.FAILED if any(answer.address is None for answer in answers) else ExitStatus.OK


def managed(settings: Settings) -> Sequence[ManagedProvider]:
    """
    Everybody known, with what people decided; before the first run there is no database, and nothing was decided.
    """

    async def look() -> Sequence[ManagedProvider]:
        from ip_monitor.adapters.storage.sqlite import DatabaseMissingError  # noqa: PLC0415 # a command pays
        from ip_monitor.bootstrap import assemble, known_providers  # noqa: PLC0415 # when it runs

        try:
            async with assemble(settings, only_look=True) as application:
                return application.manager.list()
        except DatabaseMissingError:
            return known_providers(settings)

    return asyncio.run(look())


async def ask_all(settings: Settings, specs: Sequence[ProviderSpec]) -> list[Answer]:
    from ip_monitor.adapters.providers.client import HTTPClient  # noqa: PLC0415
    from ip_monitor.adapters.providers.factory import provider_for  # noqa: PLC0415
    from ip_monitor.domain.addresses import AddressPolicy  # noqa: PLC0415

    client = HTTPClient(policy=AddressPolicy(settings.public_ranges))
    try:
        return list(await asyncio.gather(*(provider_for(spec, client=client).ask() for spec in specs)))
    finally:
        await client.aclose()


def _decide(request: Request, verb: str, *, as_json: bool, **arguments: Any) -> Any:
    from ip_monitor.cli.acting import act  # noqa: PLC0415 # a command pays when it runs

    decided = act(request, f"providers.{verb}", **arguments)
    if as_json:
        echo_json(decided)
    return decided


def _tell(views: Sequence[dict[str, Any]], what: str, *, as_json: bool) -> None:
    for view in () if as_json else views:
        click.echo(f"{view['name']} {what}")


def _ranks(request: Request, name: str | None) -> Any:
    """
    From the running monitor, otherwise from the ballots on record.
    """
    from ip_monitor.adapters.storage.sqlite.instance_lock import holder  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.application.admin.plain import as_plain  # noqa: PLC0415
    from ip_monitor.bootstrap import assemble  # noqa: PLC0415
    from ip_monitor.cli.acting import act  # noqa: PLC0415

    settings = load_here(request).settings
    if holder(settings.database) is not None:
        return act(request, "providers.statistics", settings=settings, name=name)

    async def look() -> Any:
        async with assemble(settings, only_look=True) as application:
            return as_plain(await application.admin.providers.statistics(name))

    return asyncio.run(look())


def _bare(url: str) -> str:
    """
    A URL without its query, which may hold a key.
    """
    return url.partition("?")[0]


def _described(one: ManagedProvider) -> dict[str, Any]:
    spec = one.spec
    return {
        "name": spec.name,
        "operator": spec.operator,
        "family": spec.family.label,
        "transport": spec.transport.value,
        "url": _bare(spec.url),
        "format": spec.format.value,
        "weight": spec.source.weight,
        "timeout_s": spec.timeout_s,
        "is_enabled": one.is_enabled,
        "priority": one.priority,
        "is_custom": one.is_custom,
    }


def _answered(answer: Answer) -> dict[str, Any]:
    return {
        "provider": answer.source.name,
        "latency_s": round(answer.latency_s, 4),
        "address": None if answer.address is None else str(answer.address),
        "failure": None if answer.failure is None else answer.failure.kind.value,
        "detail": None if answer.failure is None else answer.failure.detail,
    }


def _row(answer: Answer) -> tuple[str, str, str]:
    said = str(answer.address) if answer.failure is None else f"{answer.failure.kind.value}: {answer.failure.detail}"
    return answer.source.name, f"{answer.latency_s * _MILLI:.0f} ms", said


def _rank_row(one: dict[str, Any]) -> tuple[str, ...]:
    numbers = one["statistics"]
    compared = numbers["agreements"] + numbers["lies"]
    latencies = (numbers["latency_p50_s"], numbers["latency_p95_s"])
    return (
        str(one["rank"]),
        one["provider"] if one["is_enabled"] else f"{one['provider']} (off)",
        f"{numbers['score']:.1f}",
        str(numbers["asked"]),
        f"{numbers['successes'] / numbers['asked']:.0%}" if numbers["asked"] else "",
        f"{numbers['agreements'] / compared:.0%}" if compared else "",
        str(numbers["lies"]),
        *("" if latency is None else f"{latency * _MILLI:.0f} ms" for latency in latencies),
        numbers["last_error"],
    )
