"""
Two threads that need one module at the same moment.
"""

from __future__ import annotations

import importlib
import sys
import threading

from hermetic.guard import late

SLOW = "from gate import BEGAN, GO\nBEGAN.set()\nGO.wait(10)\nVALUE = 7\n"


def test_a_module_that_another_thread_is_loading_is_waited_for(tmp_path, monkeypatch):
    """
    Nobody gets half of it: what stands at its end is there.
    """
    (tmp_path / "gate.py").write_text("import threading\nBEGAN, GO = threading.Event(), threading.Event()\n")
    (tmp_path / "slow_to_load.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    gate = importlib.import_module("gate")
    found = []
    first = threading.Thread(target=late.load, args=("slow_to_load",))
    second = threading.Thread(target=lambda: found.append(getattr(late.load("slow_to_load"), "VALUE", "half")))
    first.start()
    assert gate.BEGAN.wait(10)
    second.start()
    second.join(0.05)
    gate.GO.set()
    for one in (first, second):
        one.join(10)

    assert found == [7]
    for name in ("gate", "slow_to_load"):
        del sys.modules[name]
