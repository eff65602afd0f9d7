"""
The classes of `datetime` with another clock behind `now` and `today`.

They stand for the real ones only where they are looked up: what they make are real dates and datetimes, and those are their
instances.
"""

from __future__ import annotations

# What the real classes do without a time zone is repeated here.
# ruff: noqa: DTZ001, DTZ006, DTZ012
import datetime as dt
from datetime import date as real_date
from datetime import datetime as real_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def classes(wall: Callable[[], float]) -> dict[tuple[Any, str], type]:
    """
    By module and name, `date` and `datetime` that tell the time of `wall`, in seconds since the epoch.
    """
    made = _date(wall), _datetime(wall)
    for one in made:
        one.__module__, one.__qualname__ = "datetime", one.__name__
    return {(dt, one.__name__): one for one in made}


class _StandsForDate(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real_date)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, real_date)


class _StandsForDatetime(_StandsForDate):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real_datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, real_datetime)


def _date(wall: Callable[[], float]) -> type:
    class date(real_date, metaclass=_StandsForDate):  # noqa: N801 - it is shown under the real name
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return real_date(*args, **kwargs) if cls is date else real_date.__new__(cls, *args, **kwargs)

        @classmethod
        def today(cls) -> Any:
            return real_date.fromtimestamp(wall())

    return date


def _datetime(wall: Callable[[], float]) -> type:
    class datetime(real_datetime, metaclass=_StandsForDatetime):  # noqa: N801 - as above
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            if cls is datetime:
                return real_datetime(*args, **kwargs)
            return real_datetime.__new__(cls, *args, **kwargs)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real_datetime.fromtimestamp(wall(), tz)

        @classmethod
        def today(cls) -> Any:
            return real_datetime.fromtimestamp(wall())

        @classmethod
        def utcnow(cls) -> Any:
            return real_datetime.fromtimestamp(wall(), dt.UTC).replace(tzinfo=None)

    return datetime
