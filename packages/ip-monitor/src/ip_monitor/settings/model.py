"""
The settings themselves. One flat list: a name here is the key in TOML, `IP_MONITOR_<NAME>` in the environment and the
name that `config set` takes.

Plain dataclasses on purpose: the running program holds these, and pays for pydantic only in the short-lived process
that reads and validates them (see `loading`).
"""

from __future__ import annotations

# ruff: noqa: TC001, TC003 # these annotations are read at run time, to build the options and the validation
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.option import About
from ip_monitor.settings.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Everything a user can decide. Built by `load`, which validates; building it by hand does not.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    database: Annotated[
        Path,
        About(
            "The SQLite file that holds the address, its history and the queue.",
            default="$XDG_STATE_HOME/ip-monitor/ip-monitor.sqlite3",
        ),
    ]
    interval_s: Annotated[
        float, Ge(10), Le(86400), About("Time between two checks while all is well.", unit="s", live=True)
    ] = 300.0
    retry_s: Annotated[
        float,
        Ge(1),
        Le(3600),
        About(
            "Time to the next check after one that found no address; doubles up to `interval_s`.", unit="s", live=True
        ),
    ] = 10.0
    confirm_pause_s: Annotated[
        float, Ge(0), Le(300), About("Pause before a change is asked for a second time.", unit="s", live=True)
    ] = 2.0
    timeout_s: Annotated[
        float, Ge(0.5), Le(60), About("How long a whole check may wait for answers.", unit="s", live=True)
    ] = 5.0
    hedge_s: Annotated[
        float,
        Ge(0),
        Le(30),
        About(
            "How long those who are asked first may go without a decision before one more is asked; 0 asks all at once.",
            unit="s",
            live=True,
        ),
    ] = 0.25
    canary_s: Annotated[
        float,
        Ge(0),
        Le(3600),
        About(
            "Time between two cheap probes, which bring the next check forward when they disagree; 0 for none.",
            unit="s",
            live=True,
        ),
    ] = 60.0
    families: Annotated[Literal["both", "ipv4", "ipv6"], About("Which kinds of address are watched.", live=True)] = (
        "both"
    )
    via: Annotated[
        str,
        About("The interface (`eth1`) or the own address to ask from, where there are several ways out.", live=True),
    ] = ""
    public_ranges: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        About(
            "Ranges that count as public here although the world does not route them (a laboratory, a company).",
            live=True,
        ),
    ] = ()
    default_providers: Annotated[bool, About("Whether the built-in providers are asked.", live=True)] = True
    enabled_providers: Annotated[tuple[str, ...], About("Names of spare providers that are asked too.", live=True)] = ()
    disabled_providers: Annotated[tuple[str, ...], About("Names of providers that are not asked.", live=True)] = ()
    providers: Annotated[
        tuple[CustomProvider, ...], About("Providers of your own, one `[[providers]]` table each.", live=True)
    ] = ()
    discord_webhook: Annotated[
        Secret | None, About("URL of a Discord webhook that is told of every change.", live=True, is_url=True)
    ] = None
    discord_token: Annotated[
        Secret | None, About("Token of a Discord bot. Better kept in a secret file, or named by `discord_token_file`.")
    ] = None
    discord_token_file: Annotated[
        Path | None, About("A file with nothing but the token of a Discord bot; read again at every new connection.")
    ] = None
    discord_channel: Annotated[
        int | None, About("Id of the Discord channel that the bot announces in and whose server it answers.")
    ] = None
    discord_recipients: Annotated[
        tuple[int, ...], About("Ids of people who are told of every change in a direct message of the bot.", live=True)
    ] = ()
    discord_admins: Annotated[
        tuple[int, ...], About("Ids of people who may use the bot's administrative commands everywhere.", live=True)
    ] = ()
    discord_admin_roles: Annotated[
        tuple[int, ...],
        About("Ids of roles whose members may do so too, besides those who may manage the server.", live=True),
    ] = ()
    discord_language: Annotated[
        Literal["auto", "en", "de"],
        About("What the bot speaks; `auto` answers in each user's language and announces in English.", live=True),
    ] = "auto"
    discord_address: Annotated[
        Literal["plain", "spoiler", "masked"],
        About("How an address is shown where others can read it: whole, on a click, or only its network.", live=True),
    ] = "plain"
    discord_status_message: Annotated[
        bool, About("Whether the bot keeps one pinned message with the state in its channel.", live=True)
    ] = False
    discord_text_commands: Annotated[
        bool, About("Whether the bot takes `!commands` too; they need the message content intent.")
    ] = False
    discord_proxy: Annotated[str | None, About("URL of an HTTP proxy on the way to Discord, `http://host:port`.")] = (
        None
    )
    webhook: Annotated[
        Secret | None, About("URL of a web server that is told of every change as JSON.", live=True, is_url=True)
    ] = None
    webhook_secret: Annotated[
        Secret | None, About("Signs what the web server is told; at least 16 bytes.", live=True)
    ] = None
    command: Annotated[
        tuple[str, ...],
        About(
            "A program and its arguments, run for every change with `IP_MONITOR_ADDRESS` and others.",
            live=True,
            is_command=True,
        ),
    ] = ()
    smtp_url: Annotated[
        Secret | None,
        About("Mail server that announcements are handed to, such as `smtps://user:password@host`.", live=True),
    ] = None
    email_to: Annotated[tuple[str, ...], About("Mail addresses that are told of every change.", live=True)] = ()
    email_from: Annotated[
        str, About("Mail address that announcements come from; the first of `email_to` if empty.", live=True)
    ] = ""
    apprise: Annotated[
        Secret | None,
        About("URLs of Apprise services that are told of every change, with spaces between.", live=True),
    ] = None
    mqtt_url: Annotated[
        Secret | None,
        About("MQTT broker that Home Assistant is told by, such as `mqtts://user:password@broker.example.net`."),
    ] = None
    mqtt_ca: Annotated[
        Path | None,
        About("A PEM file with the certificates that the broker's is checked against; the system's if none."),
    ] = None
    mqtt_id: Annotated[
        str,
        About(
            "What tells this monitor from others at the broker: letters, digits, `_` and `-`; the host name if empty."
        ),
    ] = ""
    mqtt_prefix: Annotated[str, About("Where Home Assistant looks for new devices at the broker.")] = "homeassistant"
    web: Annotated[
        str,
        About("Address and port of the page, such as `127.0.0.1:8787`; none for no page. Needs `ip-monitor[web]`."),
    ] = ""
    web_reading: Annotated[
        Literal["local", "signed_in", "masked", "public"],
        About(
            "Who may read the page without signing in: programs of this machine, nobody, everybody with addresses masked, "
            "or everybody.",
            live=True,
        ),
    ] = "local"
    web_origins: Annotated[
        tuple[str, ...],
        About("Where else the page is reached, as behind a proxy: `https://ip.example.net`.", live=True),
    ] = ()
    web_certificate: Annotated[Path | None, About("A PEM file with the page's certificate chain, for TLS.")] = None
    web_key: Annotated[Path | None, About("A PEM file with the key of `web_certificate`.")] = None
    quiet_hours: Annotated[
        str,
        About(
            "Hours, local time, in which announcements to people wait, such as `22:00-07:00`. Programs are told at once.",
            live=True,
        ),
    ] = ""
    remind_every_days: Annotated[
        float,
        Ge(0),
        Le(365),
        About(
            "How long after they were last told people are told again that the address is still the same; 0 for never.",
            unit="days",
            live=True,
        ),
    ] = 0.0
    expire_after_days: Annotated[
        float,
        Ge(0),
        Le(365),
        About(
            "Announcements that could not be delivered for so long are given up, and stay on record; 0 for never.",
            unit="days",
            live=True,
        ),
    ] = 30.0
    keep_changes: Annotated[
        int, Ge(1), Le(10_000_000), About("How many changes of the address are kept at most.", live=True)
    ] = 100_000
    keep_changes_days: Annotated[
        float, Ge(0), Le(36_500), About("For how many days changes are kept; 0 for ever.", unit="days", live=True)
    ] = 0.0
    keep_ballots: Annotated[
        int,
        Ge(1),
        Le(10_000_000),
        About("How many ballots that changed nothing are kept at most, for `why` and the statistics.", live=True),
    ] = 20_000
    keep_ballots_days: Annotated[
        float, Ge(0), Le(36_500), About("For how many days these are kept; 0 for ever.", unit="days", live=True)
    ] = 90.0
    log_format: Annotated[Literal["text", "json"], About("How log lines are written.")] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], About("The least serious log line that is written.")
    ] = "info"
