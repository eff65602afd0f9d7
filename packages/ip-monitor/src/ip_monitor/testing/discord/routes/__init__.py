"""
The REST routes, in the order in which they are tried.
"""

from ip_monitor.testing.discord.routes import applications, channels, guilds, interactions

ROUTES = (*applications.ROUTES, *channels.ROUTES, *interactions.ROUTES, *guilds.ROUTES)

__all__ = ["ROUTES"]
