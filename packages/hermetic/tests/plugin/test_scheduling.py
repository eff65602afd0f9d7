"""
Virtual time and interleaving as a user of pytest meets them.
"""


def test_markers_and_fixture_work_with_pytest_asyncio(suite):
    """
    Hours pass at once, a race is found and told with its switch, and its seed replays it.
    """
    suite.write(
        "test_time.py",
        """
        import asyncio, time, pytest

        async def test_fixture(virtual_clock):
            await asyncio.sleep(36000)
            assert virtual_clock.skipped_s > 35000

        @pytest.mark.virtual_time(follow=True)
        async def test_marker():
            before = time.time()
            await asyncio.sleep(36000)
            assert time.time() - before > 35000

        @pytest.mark.interleave(seeds=100)
        async def test_race(tmp_path):
            value, lock = [0], asyncio.Lock()
            async def add():
                before = value[0]
                async with lock:
                    value[0] = before + 1
            await asyncio.gather(add(), add())
            assert value[0] == 2

        @pytest.mark.interleave(seeds=20)
        async def test_sound():
            await asyncio.gather(asyncio.sleep(100), asyncio.sleep(200))

        @pytest.mark.interleave
        def test_not_async(): pass
        """,
    )
    ran = suite.run("--hermetic-policy=off", plugins=("asyncio",))

    assert ran.outcomes == {"passed": 3, "failed": 2}, ran.text
    assert "it takes 1 switch:" in ran.text, ran.text
    assert "async with lock:  (task " in ran.text
    assert "which is for async tests" in ran.text
    seed = ran.text.split("pytest --hermetic-seed ")[1].split()[0]

    again = suite.run("--hermetic-policy=off", f"--hermetic-seed={seed}", "-k", "race", plugins=("asyncio",))

    assert again.outcomes["failed"] == 1, again.text
    assert f"seed {seed} gives" in again.text
