"""
Reading and judging settings, in process; `integration/settings` does the same through the short-lived process.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from ip_monitor.settings import Loaded, Rank, Request, Settings, options
from ip_monitor.settings.request import Refused
from ip_monitor.settings.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOME = {"HOME": "/root/nobody"}


def accepted(request: Request) -> Loaded:
    answer = validate(request)
    assert isinstance(answer, Loaded), answer
    return answer


def problems(
    environ: Mapping[str, str] | None = None, *, toml: Path | None = None, env_file: Path | None = None
) -> list[str]:
    answer = validate(Request(environ={**HOME, **(environ or {})}, config_file=toml, env_file=env_file))
    assert isinstance(answer, Refused), answer
    return [str(problem) for problem in answer.problems]


def toml_file(directory: Path, text: str) -> Path:
    path = directory / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_needs_to_be_configured():
    """
    Without any source every setting has its default, and the database lies in the XDG state directory.
    """
    loaded = accepted(Request(environ=HOME, env_file=None))

    assert str(loaded.settings.database) == "/root/nobody/.local/state/ip-monitor/ip-monitor.sqlite3"
    assert {origin.rank for origin in loaded.origins.values()} == {Rank.DEFAULT}


def test_each_source_hides_the_weaker_ones(tmp_path):
    """
    TOML gives way to a stored change, that to a secret file, that to `.env`, that to the environment, that to an option.
    """
    toml = toml_file(tmp_path, "interval_s = 11\n")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ip_monitor_interval_s").write_text("13\n")
    env_file = tmp_path / ".env"
    env_file.write_text("IP_MONITOR_INTERVAL_S=14\nOTHER_PROGRAMS_VALUE=1\n")
    none = Request(environ=HOME, env_file=None, secret_directories=())
    steps = {
        "config_file": toml,
        "stored": {"interval_s": "12"},
        "secret_directories": (secrets,),
        "env_file": env_file,
        "environ": {**HOME, "IP_MONITOR_INTERVAL_S": "15"},
        "overrides": {"interval_s": ("16", "--set")},
    }
    given = {name: getattr(none, name) for name in steps}
    seen = []
    for name, value in steps.items():
        given[name] = value
        loaded = accepted(Request(**given))
        seen.append((loaded.settings.interval_s, loaded.origins["interval_s"].rank.name))

    assert seen == [
        (11, "FILE"),
        (12, "STORED"),
        (13, "SECRET_FILE"),
        (14, "DOTENV"),
        (15, "ENVIRONMENT"),
        (16, "OPTION"),
    ]


def test_a_value_out_of_range_is_refused_with_its_name_value_source_and_range():
    """
    The message leads straight to the place to mend.
    """
    assert problems({"IP_MONITOR_INTERVAL_S": "3"}) == [
        "interval_s = 3 (from IP_MONITOR_INTERVAL_S in the environment): must be 10 to 86400 seconds."
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "soon", "0x10", "9.99", "86400.01"])
def test_numbers_that_are_none_or_lie_outside_are_refused(text):
    """
    Neither infinities nor NaN slip through a comparison.
    """
    assert problems({"IP_MONITOR_INTERVAL_S": text}) == [
        f"interval_s = {text} (from IP_MONITOR_INTERVAL_S in the environment): must be 10 to 86400 seconds."
    ]


def test_everything_wrong_is_told_at_once(tmp_path):
    """
    A user who made five mistakes needs one round to see them, not five.
    """
    toml = toml_file(tmp_path, 'interval_s = 1\nfamilies = "ipv5"\ncolour = "red"\n')
    found = problems({"IP_MONITOR_TIMEOUT_S": "0", "IP_MONITOR_TIMOUT_S": "1"}, toml=toml)

    assert sorted(found) == sorted(
        [
            f"interval_s = 1 (from {toml}): must be 10 to 86400 seconds.",
            "timeout_s = 0 (from IP_MONITOR_TIMEOUT_S in the environment): must be 0.5 to 60 seconds.",
            f"families = ipv5 (from {toml}): must be both, ipv4 or ipv6.",
            f"colour (from {toml}): there is no such setting.",
            "timout_s (from IP_MONITOR_TIMOUT_S in the environment): there is no such setting. Did you mean timeout_s?",
        ]
    )


@pytest.mark.parametrize("source", ["environment", "env_file", "secret_file", "toml"])
def test_unknown_names_are_refused_in_every_source(tmp_path, source):
    """
    A misspelled name never passes silently, wherever it stands; and its value, perhaps a secret, is not shown.
    """
    env_file, toml, secrets, environ = None, None, tmp_path / "s", dict(HOME)
    secrets.mkdir()
    if source == "environment":
        environ["IP_MONITOR_DISCORD_WEBHOK"] = "hush"
    elif source == "env_file":
        env_file = tmp_path / ".env"
        env_file.write_text("IP_MONITOR_DISCORD_WEBHOK=hush\n")
    elif source == "secret_file":
        (secrets / "ip_monitor_discord_webhok").write_text("hush")
    else:
        toml = toml_file(tmp_path, 'discord_webhok = "hush"')
    answer = validate(Request(environ=environ, config_file=toml, env_file=env_file, secret_directories=(secrets,)))

    assert isinstance(answer, Refused)
    (problem,) = answer.problems
    assert "Did you mean discord_webhook?" in str(problem)
    assert "hush" not in str(problem)


def test_a_bad_secret_is_named_but_not_shown():
    """
    Even a refused secret stays out of the message.
    """
    (problem,) = problems({"IP_MONITOR_DISCORD_WEBHOOK": "ftp://hush.example/1"})

    assert problem == (
        "discord_webhook (from IP_MONITOR_DISCORD_WEBHOOK in the environment): "
        "must be an https:// URL (http:// only on this machine, for trying out)."
    )


def test_a_secret_shows_itself_nowhere_but_on_request():
    """
    Text, representation and the settings' own representation hide it.
    """
    loaded = accepted(
        Request(environ={**HOME, "IP_MONITOR_DISCORD_WEBHOOK": "https://discord.com/hush"}, env_file=None)
    )
    secret = loaded.settings.discord_webhook

    assert secret is not None
    assert "hush" not in f"{secret} {secret!r} {loaded}"
    assert secret.reveal() == "https://discord.com/hush"


def test_an_empty_variable_counts_as_unset():
    """
    `IP_MONITOR_DISCORD_WEBHOOK=` in a compose file means none.
    """
    loaded = accepted(Request(environ={**HOME, "IP_MONITOR_INTERVAL_S": "", "IP_MONITOR_DISCORD_WEBHOOK": ""}))

    assert loaded.settings.interval_s == 300
    assert loaded.settings.discord_webhook is None


@pytest.mark.parametrize("text", ["203.0.113.0/24, 2001:db8::/32", '["203.0.113.0/24", "2001:db8::/32"]'])
def test_lists_in_variables_are_items_between_commas_or_json(text):
    """
    Both ways that users write a list are understood.
    """
    loaded = accepted(Request(environ={**HOME, "IP_MONITOR_PUBLIC_RANGES": text}, env_file=None))

    assert loaded.settings.public_ranges == (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("203.0.113.7/24", "203.0.113.7/24 has host bits set"),
        ("here", "'here' does not appear to be an IPv4 or IPv6 network"),
        ("[1", "is not valid JSON"),
    ],
)
def test_a_range_that_is_none_is_refused_with_the_reason(text, why):
    """
    What is wrong with the item is said, not only that something is.
    """
    (problem,) = problems({"IP_MONITOR_PUBLIC_RANGES": text})

    assert why in problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"interval_s = ", "is not valid TOML"),
        (b"interval_s = 60\ninterval_s = 70\n", "is not valid TOML"),
        (b"# \xff\n", "it is not UTF-8 at byte 2"),
    ],
)
def test_a_toml_file_that_cannot_be_read_is_told(tmp_path, content, why):
    """
    Broken syntax and broken encoding name the file.
    """
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    (problem,) = problems(toml=path)

    assert problem.startswith(str(path))
    assert why in problem


def test_a_named_file_that_is_missing_is_told(tmp_path):
    """
    A file that was only looked for may be missing; one that was named may not.
    """
    (problem,) = problems(toml=tmp_path / "none.toml")

    assert problem == f"{tmp_path}/none.toml: cannot be read: No such file or directory."


def test_a_broken_line_of_env_is_told_with_its_number(tmp_path):
    """
    python-dotenv would pass over it with a log line.
    """
    path = tmp_path / ".env"
    path.write_text("# fine\nIP_MONITOR_INTERVAL_S=60\nwhat is this\n")

    assert problems(env_file=path) == [f"{path}: line 3 is not of the form NAME=value."]


def provider(directory: Path, lines: str) -> list[str]:
    toml = toml_file(directory, f'[[providers]]\nname = "home"\n{lines}\n')
    answer = validate(Request(environ=HOME, config_file=toml, env_file=None))
    return [str(one).replace(str(toml), "FILE") for one in answer.problems] if isinstance(answer, Refused) else []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('url = "https://ip.example.net/"', None),
        ('url = "http://ip.example.net/"', "plain_http = true"),
        ('url = "http://ip.example.net/"\nplain_http = true', None),
        ('url = "https://10.0.0.1/"', "private_address = true"),
        ('url = "https://10.0.0.1/"\nprivate_address = true', None),
        ('url = "https://[::1]/"', "private_address = true"),
        ('url = "https://[::ffff:10.0.0.1]/"', "private_address = true"),
        ('url = "https://2130706433/"', "write an address in full"),
        ('url = "https://0x7f000001/"', "write an address in full"),
        ('url = "https://0x7f.1/"', "write an address in full"),
        ('url = "https://127.1/"', "write an address in full"),
        ('url = "https://10.0.0.1/"\nfamily = "ipv6"\nprivate_address = true', "is not of the family IPv6"),
        ('url = "https://ip.example.net/"\noperator = "a/b"', "must be 1 to 40 letters"),
        ('url = "https://localhost/"', "private_address = true"),
        ('url = "https://printer.local/"', "private_address = true"),
        ('url = "https://user:hush@ip.example.net/"', "must not carry a user name"),
        ('url = "ftp://ip.example.net/"', "must begin with https://"),
        ('url = "https:///path"', "must begin with https://"),
        ('url = "https://ip.example.net:99999/"', "is not a URL"),
        ('url = "https://ip.example.net/a b"', "plain ASCII"),
        ("", "providers[1] (home).url (from FILE): is missing."),
        ('url = "https://ip.example.net/"\nformat = "xml"', "must be auto, text, json or trace."),
        ('url = "https://ip.example.net/"\nfamly = "ipv4"', "Did you mean family?"),
    ],
)
def test_a_provider_of_ones_own_is_judged_by_its_rules(tmp_path, lines, expected):
    """
    Plain HTTP and internal addresses need a word of their own in the settings, however the address is written.
    """
    found = provider(tmp_path, lines)

    if expected is None:
        assert found == []
    else:
        (problem,) = found
        assert expected in problem
        assert "hush" not in problem


def test_two_providers_cannot_share_a_name(tmp_path):
    """
    Listings and statistics go by name.
    """
    one = '[[providers]]\nname = "home"\nurl = "https://ip.example.net/"\n'
    assert "names home more than once" in problems(toml=toml_file(tmp_path, one * 2))[0]


def test_somebody_must_be_left_to_ask():
    """
    A monitor without providers could only ever be offline.
    """
    (problem,) = problems({"IP_MONITOR_DEFAULT_PROVIDERS": "no"})

    assert "leaves nobody to ask" in problem


OTHER_VALUES = {
    "apprise": "json://host/",
    "email_to": "a@b",
    "enabled_providers": "icanhazip",
    "disabled_providers": "Amazon",
    "public_ranges": "10.0.0.0/8",
    "quiet_hours": "22:00-07:00",
}


def test_a_setting_changes_its_own_attribute_and_no_other():
    """
    Each one in turn: what is set is what it says, and everything else stays as it was.
    """
    request = Request(environ=HOME, env_file=None, config_file=None, secret_directories=())
    before = accepted(request).settings
    names = [option.name for option in options(Settings)]
    tried = []
    for option in options(Settings):
        value = OTHER_VALUES.get(option.name)
        if option.minimum is not None and option.maximum is not None:
            value = f"{option.minimum if getattr(before, option.name) != option.minimum else option.maximum:.12g}"
        elif option.choices:
            value = option.choices[-1] if getattr(before, option.name) != option.choices[-1] else option.choices[0]
        answer = None if value is None else validate(replace(request, stored={option.name: value}))
        if not isinstance(answer, Loaded):
            continue
        tried.append(option.name)
        changed = [name for name in names if getattr(before, name) != getattr(answer.settings, name)]
        assert changed == [option.name], value

    assert {"interval_s", "retry_s", "canary_s", "families", "quiet_hours", "log_level", "keep_ballots"} <= set(tried)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"quiet_hours": "late"}, "quiet_hours = late (from {}): must be hours such as 22:00-07:00, or empty."),
        (
            {"via": "no such one"},
            "via = no such one (from {}): must be the name of an interface, or an address of this machine.",
        ),
        (
            {"discord_token": "a b", "discord_admins": "12345678901234567"},
            "discord_token (from {}): is no token; copy it anew from the developer portal.",
        ),
        (
            {"discord_token": "abc"},
            "discord_token (from {}): is of no use alone; set discord_channel, discord_recipients or discord_admins too.",
        ),
        (
            {"discord_token_file": "/run/token"},
            "discord_token_file (from {}): is of no use alone; set discord_channel, discord_recipients or discord_admins too.",
        ),
        (
            {"discord_recipients": "12345678901234567"},
            "discord_recipients (from {}): needs the bot's token; set discord_token or discord_token_file too.",
        ),
        (
            {"discord_token": "abc", "discord_token_file": "/run/token", "discord_admins": "12345678901234567"},
            "discord_token_file (from {}): is one token too many; take out discord_token or this.",
        ),
        (
            {"discord_admin_roles": "-5"},
            "discord_admin_roles = -5 (from {}): must be an id as Discord shows it in developer mode, 17 to 20 digits.",
        ),
        ({"discord_proxy": "socks5://x"}, "discord_proxy (from {}): must begin with http:// or https://."),
        ({"web": "8787"}, "web = 8787 (from {}): must be an address and a port, such as 127.0.0.1:8787 or [::1]:8787."),
        (
            {"web_origins": "https://ip.example.net/page"},
            "web_origins = https://ip.example.net/page (from {}): must be origins such as https://ip.example.net, without a path.",
        ),
        (
            {"web_key": "/k.pem"},
            "web_certificate (from the default): is missing; TLS needs both web_certificate and web_key.",
        ),
        (
            {"web_certificate": "/c.pem"},
            "web_key (from the default): is missing; TLS needs both web_certificate and web_key.",
        ),
        (
            {"mqtt_ca": "/ca.pem"},
            "mqtt_ca = /ca.pem (from {}): is of no use without an mqtt_url that begins with mqtts://.",
        ),
        ({"mqtt_id": "a/b"}, "mqtt_id = a/b (from {}): must be at most 60 letters, digits, underscores and hyphens."),
        (
            {"mqtt_prefix": "home/#"},
            "mqtt_prefix = home/# (from {}): must be a topic such as homeassistant, without wildcards.",
        ),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_told_before_anything_starts(given, told):
    """
    Whether by itself or beside another setting: with its name, its value where that is no secret, its source and what to do.
    """
    name = told.split(" ", 1)[0]

    found = problems({f"IP_MONITOR_{key.upper()}": value for key, value in given.items()})

    assert found == [told.format(f"IP_MONITOR_{name.upper()} in the environment")]
