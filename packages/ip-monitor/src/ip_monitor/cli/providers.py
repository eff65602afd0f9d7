"""
`ip-monitor providers`: who is asked, and what each says when asked alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.options import settings_options
from ip_monitor.cli.output import echo_json, echo_table
from ip_monitor.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Request, Settings


@click.group()
def command() -> None:
    """
    Who is asked. Switch providers with the settings `enabled_providers`, `disabled_providers`, `default_providers` and
    `[[providers]]`.
    """


@command.command(name="list")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def list_providers(request: Request, *, as_json: bool) -> None:
    """
    Everybody that the settings name, in the order asked.
    """
    from ip_monitor.bootstrap import provider_specs  # noqa: PLC0415 # a command pays when it runs

    specs = provider_specs(load(request).settings)
    if as_json:
        echo_json([_described(spec) for spec in specs])
        return
    rows = [(spec.name, spec.operator, f"{spec.source.weight:g}", _bare(spec.url)) for spec in specs]
    echo_table(("provider", "operator", "weight", "asked at"), rows)


@command.command()
@settings_options
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def test(request: Request, *, name: str | None, as_json: bool) -> int:
    """
    Ask each of them once, or only those whose name begins with NAME. Records nothing. Exit status 1 if one gave no
    address.
    """
    from ip_monitor.bootstrap import provider_specs  # noqa: PLC0415 # a command pays when it runs

    settings = load(request).settings
    specs = [spec for spec in provider_specs(settings) if spec.name.lower().startswith((name or "").lower())]
    if not specs:
        raise click.UsageError(f"no provider has a name that begins with {name!r}; `ip-monitor providers list`.")
    answers = asyncio.run(ask_all(settings, specs))
    if as_json:
        echo_json([_answered(answer) for answer in answers])
    else:
        echo_table(("provider", "latency", "answer"), [_row(answer) for answer in answers])
    return ExitStatus.FAILED if any(answer.address is None for answer in answers) else ExitStatus.OK


async def ask_all(settings: Settings, specs: Sequence[ProviderSpec]) -> list[Answer]:
    from ip_monitor.adapters.providers.client import HTTPClient  # noqa: PLC0415
    from ip_monitor.adapters.providers.factory import provider_for  # noqa: PLC0415
    from ip_monitor.domain.addresses import AddressPolicy  # noqa: PLC0415

    client = HTTPClient(policy=AddressPolicy(settings.public_ranges))
    try:
        return list(await asyncio.gather(*(provider_for(spec, client=client).ask() for spec in specs)))
    finally:
        await client.aclose()


def _bare(url: str) -> str:
    """
    A URL without its query, which may hold a key.
    """
    return url.partition("?")[0]


def _described(spec: ProviderSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "operator": spec.operator,
        "family": spec.family.label,
        "transport": spec.transport.value,
        "url": _bare(spec.url),
        "format": spec.format.value,
        "weight": spec.source.weight,
        "timeout_s": spec.timeout_s,
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
    return answer.source.name, f"{answer.latency_s * 1000:.0f} ms", said
