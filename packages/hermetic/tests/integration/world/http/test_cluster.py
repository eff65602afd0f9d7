"""
Several servers as one service, on real sockets.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from hermetic.foundation import ListSink
from hermetic.world.http import MockCluster, MockServer, MockServerCluster, fail
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.decisions import ServerChanged
from hermetic.world.http.errors import BadClusterError, PortTakenError, UnmatchedRequestsError
from hermetic.world.http.swizzle import swizzle_plan

TIMEOUT = aiohttp.ClientTimeout(total=10)
GONE = (aiohttp.ClientConnectionError, ConnectionResetError)


@pytest.fixture
async def cluster():
    async with MockCluster(["a", "b", "c"], seed=5) as servers:
        yield servers


@pytest.fixture
async def client():
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield session


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def ask(client, server, *, who: str | None = None) -> str:
    async with client.get(server.url_for("/ip"), headers={"Hermetic-Client": who} if who else {}) as reply:
        return f"{await reply.text()}" if reply.status == 200 else str(reply.status)


async def ask_all(client, cluster) -> list[str]:
    """
    One answer a server, "gone" where there is none.
    """

    async def one(server) -> str:
        try:
            return await ask(client, server)
        except GONE:
            return "gone"

    return [await one(server) for server in cluster]


async def test_servers_start_and_stop_together(client):
    """
    With as many names as asked for, each on its own port; nothing is left after the stop.
    """
    before = descriptors()
    cluster = MockServerCluster(3, seed=1)
    cluster.get("/ip").text("203.0.113.7")
    async with cluster:
        assert list(cluster.servers) == ["server-1", "server-2", "server-3"]
        assert 3 == len(set(cluster.urls)) == len(cluster)
        assert await ask_all(client, cluster) == ["203.0.113.7"] * 3
    await client.close()

    assert not any(server.is_running for server in cluster)
    assert before >= descriptors()


async def test_a_cluster_that_cannot_start_leaves_no_server_running():
    """
    All or none.
    """
    async with MockServer() as other:
        cluster = MockCluster(["a", "b"], port=other.port)
        with pytest.raises(PortTakenError):
            await cluster.start()

        assert [server.is_running for server in cluster] == [False, False]


def test_a_cluster_works_without_a_loop():
    """
    As a plain context manager.
    """
    with MockCluster(2, seed=1) as cluster:
        assert cluster.up_names == ["server-1", "server-2"]
    assert cluster.up_names == []


async def test_down_and_up_by_name(cluster, client):
    """
    Two gone, one there; without names all come back.
    """
    cluster.get("/ip").text("x")
    await cluster.down("a", "c")

    assert (await ask_all(client, cluster), cluster.up_names) == (["gone", "x", "gone"], ["b"])
    await cluster.up()

    assert await ask_all(client, cluster) == ["x", "x", "x"]


async def test_a_correlated_outage_ends_with_its_block(cluster, client):
    """
    Also when the block raises.
    """
    cluster.get("/ip").text("x")
    with pytest.raises(KeyError):
        async with cluster.outage("a", "b"):
            assert await ask_all(client, cluster) == ["gone", "gone", "x"]
            raise KeyError
    async with cluster.outage():
        assert await ask_all(client, cluster) == ["gone"] * 3

    assert await ask_all(client, cluster) == ["x"] * 3


async def test_a_zone_fails_together():
    """
    Servers of a zone answer 503 in the same slots; in other slots and zones they serve.
    """

    class HandClock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def time(self) -> float:
            return self.now

        async def sleep(self, delay: float) -> None:
            await asyncio.sleep(0)

    clock = HandClock()
    async with (
        MockCluster(["a", "b", "c"], seed=3, clock=clock) as cluster,
        aiohttp.ClientSession(timeout=TIMEOUT) as client,
    ):
        cluster.get("/ip").text("x")
        cluster.correlated_outages({"eu": ["a", "b"], "us": ["c"]}, rate=0.5, slot_s=10)
        seen = []
        for slot in range(30):
            clock.now = slot * 10.0 + 5
            seen.append(await ask_all(client, cluster))

    assert all(a == b for a, b, _ in seen)
    assert {("503", "503"), ("503", "x"), ("x", "503"), ("x", "x")} == {(a, c) for a, _, c in seen}


async def test_fail_over_takes_the_next_that_is_up():
    """
    The primary goes down, another serves in its place, standbys answer as standbys.
    """
    async with (
        MockCluster(["a", "b", "c"], seed=1, standby=fail(503)) as cluster,
        aiohttp.ClientSession(timeout=TIMEOUT) as client,
    ):
        cluster.get("/ip").text("x")

        assert await ask_all(client, cluster) == ["x", "503", "503"]
        await cluster.down("b")

        assert (await cluster.fail_over()).name == "c"
        assert await ask_all(client, cluster) == ["gone", "gone", "x"]
        with pytest.raises(BadClusterError, match="no server but 'c' is up"):
            await cluster.fail_over()
        with pytest.raises(BadClusterError, match="it is down"):
            cluster.promote("a")
        await cluster.up()
        cluster.promote("b")

        assert await ask_all(client, cluster) == ["503", "x", "503"]
        assert "b (primary) up" in repr(cluster)


async def test_a_one_way_partition_of_replies_lets_the_server_work(cluster, client):
    """
    The request is served and recorded; only the named client does not hear, and only from that server.
    """
    route = cluster.get("/ip").text("x")
    with cluster.partition("me", servers=["b"], way="replies"):
        asking = asyncio.ensure_future(ask(client, cluster["b"], who="me"))
        await route["b"].wait_for(1)

        assert [await ask(client, cluster["a"], who="me"), await ask(client, cluster["b"], who="other")] == ["x", "x"]
        assert not asking.done()

    assert await asking == "x"


async def test_a_two_way_partition_hides_requests_from_the_server(cluster, client):
    """
    Nothing arrives until it is healed.
    """
    route = cluster.get("/ip").text("x")
    partition = cluster.partition(["me", "you"])
    asking = [asyncio.ensure_future(ask(client, cluster["a"], who=who)) for who in ("me", "you")]
    async with asyncio.timeout(10):
        while cluster["a"].holds.waiting < 2:  # noqa: ASYNC110  # waits for another thread's state, which has no event
            await asyncio.sleep(0.001)

    assert route.call_count == 0
    partition.heal()
    partition.heal()

    assert await asyncio.gather(*asking) == ["x", "x"]
    assert partition.is_healed


async def test_a_one_way_partition_of_requests_is_of_one_client_and_one_server(cluster, client):
    """
    What it sends does not arrive there; others, and other servers, are as they were.
    """
    route = cluster.get("/ip").text("x")
    with cluster.partition("me", servers="a", way="requests"):
        asking = asyncio.ensure_future(ask(client, cluster["a"], who="me"))

        assert await ask(client, cluster["b"], who="me") == await ask(client, cluster["a"], who="you") == "x"
        assert (route["a"].call_count, asking.done()) == (1, False)

    assert await asking == "x"
    assert [call.request.client for call in route.calls] == ["me", "you", "me"]
    assert route.called


async def test_a_change_that_names_an_unknown_server_changes_nothing(cluster, client):
    """
    None of the servers it does name is down, held or in bad weather afterwards.
    """
    cluster.get("/ip").text("x")
    for change in (
        lambda: cluster.down("a", "nowhere"),
        lambda: cluster.up("a", "nowhere"),
        lambda: cluster.partition("me", servers=["a", "nowhere"]),
        lambda: cluster.hold("a", "nowhere"),
        lambda: cluster.correlated_outages({"z": ["a", "nowhere"]}, rate=1, slot_s=1),
    ):
        with pytest.raises(BadClusterError, match="nowhere"):
            await change()

    assert await ask(client, cluster["a"], who="me") == "x"
    assert cluster["a"].holds.in_force == ()


async def test_a_cluster_fails_for_requests_without_a_route(client):
    """
    At the end of its block, with the server's name.
    """
    with pytest.raises(UnmatchedRequestsError, match="server 'server-2' got 1 request"):
        async with MockCluster(2, seed=1) as cluster:
            cluster.put("/ip")
            (await client.get(cluster["server-2"].url_for("/ip"))).release()
    with pytest.raises(UnmatchedRequestsError, match="server 'server-1'"), MockCluster(1, seed=1) as cluster:
        cluster.delete("/ip")
        (await client.patch(cluster["server-1"].url_for("/ip"))).release()


async def test_hold_and_release(cluster, client):
    """
    Of everyone, at chosen servers.
    """
    cluster.get("/ip").text("x")
    with cluster.hold("a"):
        asking = asyncio.ensure_future(ask(client, cluster["a"]))

        assert await ask(client, cluster["b"]) == "x"
        assert not asking.done()

    assert await asking == "x"


async def test_a_rolling_restart_keeps_ports_and_never_takes_two_down(cluster, client):
    """
    One by one, each reachable again on its port before the next.
    """
    cluster.get("/ip").text("x")
    urls = cluster.urls

    async def between(server) -> None:
        assert await ask(client, server) == "x"
        assert len(cluster.up_names) == 3

    reports = await cluster.rolling_restart(between=between)

    assert [report.server for report in reports] == ["a", "b", "c"]
    assert urls == cluster.urls


async def test_a_swizzle_takes_some_down_and_brings_them_up_in_another_order(cluster):
    """
    As its plan says, one step after the other, and all are up at the end.
    """
    for _ in range(5):
        plan, seen = cluster.swizzle_plan(), []

        async def between(step, seen=seen) -> None:
            seen.append((step, len(cluster.up_names)))

        assert plan == await cluster.swizzle(between=between)
        assert plan == [step for step, _ in seen]
        assert len(cluster.up_names) == 3
        size = len(plan) // 2
        assert [*(3 - n for n in range(1, size + 1)), *(3 - n for n in range(size - 1, -1, -1))] == [n for _, n in seen]


async def test_a_swizzle_that_is_broken_off_leaves_all_up(cluster):
    """
    An assertion between its steps does not leave the next test a broken cluster.
    """

    async def between(_step) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await cluster.swizzle(between=between)

    assert cluster.up_names == ["a", "b", "c"]


def test_swizzle_plans_follow_from_their_seed():
    """
    Equal arguments, equal plans; down and up differ in order; every size and every server comes about.
    """
    names = ["a", "b", "c", "d"]
    plans = [swizzle_plan(names, seed=1, name="x", nth=nth) for nth in range(100)]

    assert plans == [swizzle_plan(names, seed=1, name="x", nth=nth) for nth in range(100)]
    assert {2, 4, 6, 8} == {len(plan) for plan in plans}
    assert set(names) == {step.server for plan in plans for step in plan}
    for plan in plans:
        down = [step.server for step in plan if step.change == "down"]
        up = [step.server for step in plan if step.change == "up"]

        assert sorted(down) == sorted(up)
        assert down != up or len(down) == 1


async def test_servers_can_disagree(cluster, client):
    """
    Named ones answer otherwise, or a few that the seed chooses.
    """
    route = cluster.get("/ip").text("203.0.113.7")
    route.disagree({"b": "198.51.100.9", "c": fail(500)})

    assert await ask_all(client, cluster) == ["203.0.113.7", "198.51.100.9", "500"]
    few = route.split("203.0.113.7", "198.51.100.9", of=1)

    assert {few[0]: "198.51.100.9"} == {
        name: answer
        for name, answer in zip(cluster.servers, await ask_all(client, cluster), strict=True)
        if answer != "203.0.113.7"
    }
    assert few == route.split("x", "y", of=1)
    with pytest.raises(BoundsError, match=r"split\(of\) got 3"):
        route.split("x", "y", of=3)


async def test_the_ledger_names_every_change():
    """
    In order, with what and towards whom.
    """
    sink = ListSink()
    async with MockCluster(["a", "b"], name="pair", seed=1, sink=sink) as cluster:
        await cluster.down("b")
        await cluster.up()
        cluster.partition("me", servers=["a"], way="replies").heal()
        cluster.hold("a").heal()
        cluster.promote("b")
        await cluster.rolling_restart()
    changes = [(e.server, e.change, e.detail) for e in sink.events if isinstance(e, ServerChanged)]

    assert changes == [
        ("pair", "started", "a, b"),
        ("b", "down", ""),
        ("b", "up", ""),
        ("pair", "partitioned", "me and a: replies"),
        ("pair", "healed", "me and a: replies"),
        ("pair", "held", "a: requests"),
        ("pair", "released", "a: requests"),
        ("b", "promoted", "in place of a"),
        ("a", "restarted", ""),
        ("b", "restarted", ""),
        ("pair", "stopped", ""),
    ]


async def test_conduct_is_judged_over_all_servers(cluster, client):
    """
    A client that fails over shows its whole way.
    """
    cluster.get("/ip").text("x")
    await ask_all(client, cluster)

    cluster.conduct().assert_concurrency_at_most(1)
    assert len(cluster.conduct().calls) == 3


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: MockCluster([]), "give a number, or names that differ"),
        (lambda: MockCluster(["a", "a"]), "names that differ"),
        (lambda: MockCluster("ab"), "servers 'ab'"),
        (lambda: MockCluster(0), r"MockCluster\(servers\) got 0"),
        (lambda: MockCluster(["a"])["b"], "server 'b': the cluster 'cluster' has a"),
        (lambda: MockCluster(["a"]).get("/").disagree({"b": 1}), "server 'b'"),
    ],
)
def test_clusters_that_cannot_be_are_refused(make, text):
    """
    With what was asked and what there is.
    """
    with pytest.raises((BadClusterError, BoundsError), match=text):
        make()
