"""
From what the sources say to `Settings`, or to everything that is wrong with it.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ip_monitor.domain.quiet import QuietHours, QuietHoursRefusedError
from ip_monitor.settings import locations, schema
from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.errors import Problem
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import Option, options
from ip_monitor.settings.origins import DEFAULT, Origin
from ip_monitor.settings.request import Loaded, Refused, Request
from ip_monitor.settings.sources import Gathered, gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

_LONGEST_VALUE = 80


def validate(request: Request) -> Loaded | Refused:
    """
    Read every source of `request` and judge the whole.
    """
    model = schema.build()
    found = gather(model, request, defaults={"database": locations.default_database(request.environ)})
    problems = list(found.problems)
    try:
        parsed = model(**found.values)
    except ValidationError as error:
        problems += _problems(error.errors(include_url=False), found)
    else:
        settings = Settings(**{field.name: getattr(parsed, field.name) for field in dataclasses.fields(Settings)})
        problems += _cross_checks(settings, found)
        if not problems:
            origins = {field.name: found.origins.get(field.name, DEFAULT) for field in dataclasses.fields(Settings)}
            return Loaded(settings=settings, origins=origins, config_file=request.found_config_file)
    return Refused(problems=tuple(problems))


def _problems(errors: Sequence[ErrorDetails], found: Gathered) -> Iterator[Problem]:
    known = {option.name: option for option in options(Settings)}
    for error in errors:
        name = str(error["loc"][0])
        where = found.origins.get(name, DEFAULT).where
        if error["type"] == "extra_forbidden" and where.startswith("`config set`"):
            yield Problem(option=name, where=where, wrong=f"there is no such setting any more: config unset {name}")
        elif error["type"] == "extra_forbidden":
            yield Problem(option=name, where=where, wrong=f"there is no such setting.{_suggestion(name, known)}")
        elif name == "providers":
            yield from _provider_problems(error, where, schema.split(found.values[name]))
        else:
            option = known[name]
            yield Problem(option=name, where=where, wrong=_wrong(error, option), value=_shown(error["input"], option))


def _wrong(error: ErrorDetails, option: Option) -> str:
    if error["type"] in {"json", "network", "names", "url"}:
        return f"{error['msg']}."
    return f"must be {option.allowed}."


def _shown(value: Any, option: Option) -> str | None:
    if option.secret:
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _provider_problems(error: ErrorDetails, where: str, value: Any) -> Iterator[Problem]:
    """
    A problem inside `[[providers]]`: `loc` is ("providers", index, field), shorter when it is about more.
    """
    location = error["loc"]
    if len(location) == 1 or not isinstance(location[1], int):
        wrong = f"{error['msg']}." if error["type"] in {"json", "names"} else "must be a list of tables."
        yield Problem(option="providers", where=where, wrong=wrong)
        return
    index = location[1]
    table: dict[str, Any] = value[index] if isinstance(value[index], dict) else {}
    label = f"providers[{index + 1}]" + (f" ({table['name']})" if isinstance(table.get("name"), str) else "")
    fields = {option.name: option for option in options(CustomProvider)}
    if error["type"] == "provider":
        for field, wrong in error.get("ctx", {})["problems"]:
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong, value=_shown_field(field, table))
    elif len(location) == 2:
        yield Problem(option=label, where=where, wrong="must be a table with a name and a url.")
    else:
        field = str(location[2])
        if field not in fields:
            wrong = f"a provider has no such key.{_suggestion(field, fields)}"
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong)
        elif error["type"] == "missing":
            yield Problem(option=f"{label}.{field}", where=where, wrong="is missing.")
        else:
            wrong = f"must be {fields[field].allowed}."
            yield Problem(option=f"{label}.{field}", where=where, wrong=wrong, value=_shown_field(field, table))


def _shown_field(field: str, table: Mapping[str, Any]) -> str:
    """
    A URL is shown without its query and user information, which may hold a key.
    """
    text = str(table.get(field, ""))[:_LONGEST_VALUE]
    if field != "url":
        return text
    scheme, mark, rest = text.partition("://")
    return scheme + mark + rest.rpartition("@")[2].partition("?")[0]


def _suggestion(name: str, known: Mapping[str, Option]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def _cross_checks(settings: Settings, found: Gathered) -> Iterator[Problem]:
    """
    What only shows when several settings are seen together.
    """

    def problem(name: str, wrong: str, value: str | None = None) -> Problem:
        origin: Origin = found.origins.get(name, DEFAULT)
        return Problem(option=name, where=origin.where, wrong=wrong, value=value)

    try:
        QuietHours.parse(settings.quiet_hours)
    except QuietHoursRefusedError:
        yield problem(
            "quiet_hours", "must be hours such as 22:00-07:00, or empty.", settings.quiet_hours[:_LONGEST_VALUE]
        )
    if not settings.default_providers and not settings.providers:
        yield problem("default_providers", "leaves nobody to ask; add [[providers]] tables, or say true.", "false")
