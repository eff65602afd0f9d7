"""
The bot: commands, announcements and a status message in Discord. Needs the extra `discord`; nothing outside imports it
before it is wanted.
"""
