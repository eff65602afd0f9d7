"""
`ip-monitor install-service`: let systemd run the monitor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ip_monitor.cli.options import json_option
from ip_monitor.cli.output import echo_json
from ip_monitor.errors import IPMonitorError

_NAME = "ip-monitor.service"
_SYSTEM = Path("etc/systemd/system")
_HARDENING = """\
DynamicUser=yes
StateDirectory=ip-monitor
ConfigurationDirectory=ip-monitor
ProtectHome=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
AmbientCapabilities=
IPAccounting=yes
"""
_UNIT = """\
# Written by `ip-monitor install-service`. To change it: systemctl {scope}edit ip-monitor
[Unit]
Description=IP Monitor
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} run --plain{web}
ExecReload=/bin/kill -HUP $MAINPID
# A monitor that does not check any more is started again.
WatchdogSec=60
Restart=on-failure
RestartSec=5
# 2 is a setting that cannot be used, 7 another monitor on this database: starting again would change neither.
RestartPreventExitStatus=2 7
TimeoutStopSec=15
UMask=0077
MemoryMax=256M
TasksMax=64

{hardening}ProtectSystem=strict
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelTunables=yes
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy={target}
"""


class ServiceKeptError(IPMonitorError, ValueError):
    """
    A unit that somebody else wrote, or changed, is not overwritten.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} exists and differs. Look at it, and write it anew with --force.")


class ServiceNotWrittenError(IPMonitorError, OSError):
    """
    The unit cannot be written.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        self.text = f"{path} cannot be written: {error.strerror}. Use sudo, or --user for a service of your own."
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text


@click.command()
@click.option("--user", "is_user", is_flag=True, help="A service of this user, without root.")
@click.option("--web", metavar="ADDRESS:PORT", help="Serve the page there, such as 127.0.0.1:8787.")
@click.option("--print", "only_print", is_flag=True, help="Print the unit, and write nothing.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default="/",
    help="Write the system's unit below this directory, as for an image.",
)
@click.option("--force", is_flag=True, help="Write over a unit that differs.")
@json_option
def command(*, is_user: bool, web: str | None, only_print: bool, root: Path, force: bool, as_json: bool) -> None:
    """
    Write a systemd unit with a watchdog and hardening, and say how to start it. The system's service runs as a user of its
    own, with its settings in /etc/ip-monitor/config.toml and its database in /var/lib/ip-monitor.
    """
    from ip_monitor.settings.place import Place  # noqa: PLC0415 # a command pays when it runs

    text = unit(_program(), is_user=is_user, web="" if web is None else str(Place.parse(web)))
    path = None if only_print else _user_directory() / _NAME if is_user else root / _SYSTEM / _NAME
    if path is not None:
        _write(path, text, force=force)
    systemctl = "systemctl --user" if is_user else "systemctl"
    # Lingering lets it run while its user is not logged in.
    start = [f"{systemctl} daemon-reload", f"{systemctl} enable --now ip-monitor"]
    start += ["loginctl enable-linger"] if is_user else []
    if as_json:
        echo_json({"file": None if path is None else str(path), "unit": text, "start": start})
        return
    if path is None:
        click.echo(text, nl=False)
        return
    click.echo(f"{path} written. Start it, now and at every boot:\n" + "\n".join(f"  {words}" for words in start))
    if web is not None:
        click.echo("The page's token stands in the journal once; a new one: ip-monitor token --database FILE")


def unit(program: str, *, is_user: bool, web: str) -> str:
    """
    The unit's text.

    Args:
        program: what starts the monitor, an absolute path.
        is_user: a service of a user cannot have what needs root: a user of its own, and some of the walls.
        web: where the page is served; empty for none.
    """
    return _UNIT.format(
        scope="--user " if is_user else "",
        program=program.replace("%", "%%"),
        web=f" --web {web}" if web else "",
        hardening="" if is_user else _HARDENING,
        target="default.target" if is_user else "multi-user.target",
    ).replace("ProtectSystem=strict\n", "" if is_user else "ProtectSystem=strict\n")


def _program() -> str:
    beside = Path(sys.executable).with_name("ip-monitor")
    return str(beside) if beside.exists() else f"{sys.executable} -m ip_monitor"


def _user_directory() -> Path:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "systemd" / "user"


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        if path.exists() and path.read_text(encoding="utf-8") != text and not force:
            raise ServiceKeptError(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise ServiceNotWrittenError(path, error) from error
