"""
The parts of a message or modal that users work: finding them, numbering them, and what a click on them says.

Source: Discord developer documentation, Components / Reference (types 1 to 23).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BUTTON = 2
STRING_SELECT = 3
TEXT_INPUT = 4
SELECTS = frozenset({STRING_SELECT, 5, 6, 7, 8})
LINK_STYLE = 5


@dataclass(frozen=True, slots=True)
class Control:
    """
    A button, a select or a field of a modal.

    Attributes:
        label: what the user reads on it or beside it; a select's placeholder.
        options: of a select with fixed options: value and label, in order.
    """

    type: int
    custom_id: str | None
    label: str
    is_disabled: bool
    style: int
    url: str | None
    options: tuple[tuple[str, str], ...]
    raw: dict[str, Any]

    @property
    def is_button(self) -> bool:
        return self.type == BUTTON

    @property
    def is_select(self) -> bool:
        return self.type in SELECTS


def controls_in(components: list[dict[str, Any]]) -> list[Control]:
    """
    All controls, however deep in rows, sections, containers and labels, in the order in which they are shown.
    """
    return [_control(component, label) for component, label in _walk(components, "")]


def numbered(components: list[dict[str, Any]], *, start: int = 1) -> list[dict[str, Any]]:
    """
    The components as a message shows them: with the `id` that Discord gives to those that came without one, and
    without what only a form has.
    """
    taken = set(_numbers(components))
    fresh = iter(number for number in range(start, 10_000) if number not in taken)
    return [_with_number(component, fresh) for component in components]


def _numbers(components: list[dict[str, Any]]) -> Iterator[int]:
    for component in components:
        if component.get("id"):
            yield int(component["id"])
        yield from _numbers(_children(component))


def _with_number(component: dict[str, Any], fresh: Iterator[int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": component.get("id") or next(fresh),
        **{k: v for k, v in component.items() if k not in {"id", "required"}},
    }
    if "components" in made:
        made["components"] = [_with_number(child, fresh) for child in made["components"]]
    for key in ("accessory", "component"):
        if isinstance(made.get(key), dict):
            made[key] = _with_number(made[key], fresh)
    return made


def _children(component: dict[str, Any]) -> list[dict[str, Any]]:
    children: list[dict[str, Any]] = list(component.get("components", ()))
    children += [component[key] for key in ("accessory", "component") if isinstance(component.get(key), dict)]
    return children


def _walk(components: list[dict[str, Any]], label: str) -> Iterator[tuple[dict[str, Any], str]]:
    for component in components:
        if component["type"] in SELECTS or component["type"] in {BUTTON, TEXT_INPUT}:
            yield component, label
        yield from _walk(_children(component), str(component.get("label") or label))


def _control(raw: dict[str, Any], around: str) -> Control:
    return Control(
        type=int(raw["type"]),
        custom_id=raw.get("custom_id"),
        label=str(raw.get("label") or around or raw.get("placeholder") or ""),
        is_disabled=bool(raw.get("disabled")),
        style=int(raw.get("style") or 0),
        url=raw.get("url"),
        options=tuple((str(option["value"]), str(option["label"])) for option in raw.get("options", ())),
        raw=raw,
    )
