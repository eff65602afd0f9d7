"""
What the bot says, in each language it knows.
"""

from ip_monitor.adapters.discord.texts.catalogue import LANGUAGES, Texts, announcement_texts, texts_for

__all__ = ["LANGUAGES", "Texts", "announcement_texts", "texts_for"]
