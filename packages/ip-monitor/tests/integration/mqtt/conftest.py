"""
Mosquitto, the broker that most homes have, on loopback: one listener that wants a password, and one with TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from dataclasses import dataclass

import pytest
import trustme
from ip_monitor.adapters.mqtt.connection import connected
from ip_monitor.adapters.mqtt.packets import Message
from ip_monitor.settings.broker import Broker

PASSWORD = "p@ss:word"


@dataclass
class Mosquitto:
    """
    `url` for who knows the password; `start` and `stop` as often as wanted.
    """

    home: object
    port: int
    tls_port: int
    authority: trustme.CA
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"mqtt://home:p%40ss%3Aword@127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"mqtts://home:p%40ss%3Aword@localhost:{self.tls_port}"

    @property
    def certificates(self):
        return self.home / "authority.pem"

    def start(self):
        self.process = subprocess.Popen(
            ["mosquitto", "-c", str(self.home / "mosquitto.conf")], stderr=subprocess.PIPE, text=True
        )
        for line in self.process.stderr:
            if "running" in line:
                return
        raise AssertionError("mosquitto ended before it ran")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process.stderr.close()
            self.process = None

    @contextlib.asynccontextmanager
    async def listening(self, topic="#", *, client="listener"):
        """
        Everything that is published, as it comes, in `heard`, by another client.
        """
        heard = Heard()
        will = Message(topic="test/bye", payload=b"")
        made = connected(Broker.parse(self.url), client=client, will=will)
        async with made as connection, heard.keeping(connection):
            await connection.subscribe(topic)
            yield heard
            await connection.say_goodbye(will)


class Heard:
    """
    The newest message of each topic, and all of them.
    """

    def __init__(self):
        self.messages = {}
        self.all = []
        self.connection = None
        self._news = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def keeping(self, connection):
        self.connection = connection
        queue = asyncio.Queue()

        async def take():
            while True:
                message = await queue.get()
                async with self._news:
                    self.messages[message.topic] = message
                    self.all.append(message)
                    self._news.notify_all()

        work = [asyncio.create_task(connection.run(queue.put_nowait)), asyncio.create_task(take())]
        try:
            yield
        finally:
            for one in work:
                one.cancel()
            await asyncio.wait(work)

    async def until(self, is_so):
        """
        Wait until what was heard last of each topic is so.
        """
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: is_so(self.messages))


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    home = tmp_path_factory.mktemp("broker")
    home.chmod(0o755)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(home / "authority.pem")
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(home / "key.pem")
    issued.cert_chain_pems[0].write_to_path(home / "certificate.pem")
    (home / "passwords").write_text("")
    subprocess.run(["mosquitto_passwd", "-b", home / "passwords", "home", PASSWORD], check=True, capture_output=True)
    plain, tls = free_ports(2)
    (home / "mosquitto.conf").write_text(
        f"""user root
per_listener_settings false
allow_anonymous false
password_file {home / "passwords"}
listener {plain} 127.0.0.1
listener {tls} localhost
certfile {home / "certificate.pem"}
keyfile {home / "key.pem"}
"""
    )
    mosquitto = Mosquitto(home, plain, tls, authority)
    mosquitto.start()
    yield mosquitto
    mosquitto.stop()
