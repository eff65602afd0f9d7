"""
Promises of `import hermetic`.
"""

import subprocess
import sys

import hermetic
import pytest


def test_every_public_name_can_be_imported_and_every_home_is_public():
    """
    `__all__`, the table of homes and the modules themselves cannot drift apart.
    """
    assert sorted(hermetic._HOMES) == sorted(set(hermetic.__all__) - {"__version__"})
    assert all(getattr(hermetic, name) is not None for name in hermetic.__all__)
    assert set(dir(hermetic)) == set(hermetic.__all__)


def test_an_unknown_name_is_an_attribute_error():
    """
    A typing error reads as on any module.
    """
    with pytest.raises(AttributeError, match="no attribute 'deadlin'"):
        hermetic.deadlin  # noqa: B018


def test_import_alone_loads_neither_asyncio_nor_pytest():
    """
    `import hermetic` costs nothing; a deadline in a service never brings pytest along.
    """
    probe = (
        "import sys, hermetic; assert 'asyncio' not in sys.modules, 'asyncio'; "
        "hermetic.deadline(5); assert not {'pytest', '_pytest'} & set(sys.modules), 'pytest'"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, timeout=30)

    assert (done.returncode, done.stderr) == (0, "")
