"""
Choosing a language, and filling in values.

A language is one module with `ENTRIES`, from key to text with `{placeholders}`; a key that ends in `.one` is used instead
of its plain form when `count` is 1. Every language has every key with the same placeholders, which a test holds it to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.texts import english, german

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": english.ENTRIES, "de": german.ENTRIES}


class Texts:
    """
    One language. Call it with a key.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._entries = LANGUAGES[language]

    def __call__(self, key: str, /, **values: object) -> str:
        """
        The text of a key. Values are put in as they are: who gives one that came from outside has quoted it.
        """
        if values.get("count") == 1 and f"{key}.one" in self._entries:
            key = f"{key}.one"
        return self._entries[key].format_map(values)

    def more(self, count: int) -> str:
        """
        The last line of a list that was cut.
        """
        return self("list.more", count=count)

    def __repr__(self) -> str:
        return f"<Texts {self.language}>"


def texts_for(language: str) -> Texts:
    """
    The language of a locale such as "de" or "en-GB"; English for one that is not known.
    """
    bare = language.partition("-")[0].lower()
    return Texts(bare if bare in LANGUAGES else "en")


def announcement_texts(language: str) -> Texts:
    """
    The language of what nobody asked for, and everybody reads: of the setting, and English for "auto".
    """
    return texts_for("en" if language == "auto" else language)
