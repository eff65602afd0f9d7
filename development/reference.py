"""
The reference of Hermetic's options, settings, markers, fixtures and commands, written from the code that reads them.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType


class Recorder:
    """
    What a plugin declares, taken down in the place of pytest's parser.
    """

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        self.settings: list[tuple[str, str, str]] = []

    def getgroup(self, _name: str, _description: str = "") -> Recorder:
        return self

    def addoption(self, name: str, **more: Any) -> None:
        if more.get("help") == "==SUPPRESS==":
            return
        value = more.get("metavar") or "|".join(more.get("choices", ()))
        shown = name if more.get("action") == "store_true" else f"{name}={value or 'VALUE'}"
        self.options.append((shown, str(more.get("help", ""))))

    def addini(self, name: str, text: str = "", *, default: Any = None, **more: Any) -> None:
        text = more.get("help", text)
        shown = "" if not default or isinstance(default, list | tuple) else str(default)
        self.settings.append((name, text, shown))


def page() -> str:
    """
    The part of the page that is written from the code.
    """
    from hermetic._pytest import plugin  # noqa: PLC0415 - only the page needs it

    recorder = Recorder()
    plugin.pytest_addoption(recorder)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it has what is called
    return "\n".join(
        [
            "## Options of pytest\n",
            *_table(("option", "what it does"), ((f"`{name}`", text) for name, text in sorted(recorder.options))),
            "\n## Settings in the ini file\n",
            *_table(
                ("setting", "what it is", "default"),
                ((f"`{name}`", text, f"`{value}`" if value else "") for name, text, value in sorted(recorder.settings)),
            ),
            "\n## Markers\n",
            *_table(("marker", "what it does"), _markers(plugin)),
            "\n## Fixtures\n",
            *_table(("fixture", "what it gives"), _fixtures(plugin)),
            "\n## The command `hermetic`\n",
            *_commands(),
            "",
        ]
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in row)} |"


def _modules(plugin: ModuleType) -> list[ModuleType]:
    return [value for _, value in sorted(vars(plugin).items()) if inspect.ismodule(value)]


def _markers(plugin: ModuleType) -> list[tuple[str, str]]:
    texts: list[str] = []
    for module in _modules(plugin):
        texts += [module.MARKER] if hasattr(module, "MARKER") else []
        texts += getattr(module, "MARKERS", {}).values()
    parts = [re.match(r"(\w+(?:\(.*?\))?): (.*)", text, re.DOTALL) for text in texts]
    return sorted((f"`{part[1]}`", part[2]) for part in parts if part)


def _fixtures(plugin: ModuleType) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for module in _modules(plugin):
        for name, value in vars(module).items():
            # pytest has no public name for what its decorator makes.
            if type(value).__name__ == "FixtureFunctionDefinition" and not name.startswith("_"):
                text = inspect.cleandoc(inspect.unwrap(value).__doc__ or "")
                found.append((f"`{name}`", text.partition("\n\n")[0]))
    return sorted(found)


def _commands() -> Iterator[str]:
    from hermetic.cli.commands import group  # noqa: PLC0415 - as above

    for name, command in sorted(group.commands.items()):
        inner = sorted(command.commands.items()) if isinstance(command, click.Group) else []
        for words, one in ((name, command), *((f"{name} {word}", below) for word, below in inner)):
            yield f"### `hermetic {words}`\n"
            yield inspect.cleandoc(one.help or "") + "\n"
            options = [param for param in one.params if isinstance(param, click.Option) and param.help]
            if options:
                yield from _table(
                    ("option", "what it does"), ((f"`{', '.join(one.opts)}`", one.help or "") for one in options)
                )
                yield ""
