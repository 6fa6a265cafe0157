"""Charts and their documents, made once for the same answers: pages are run at every click."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

import altair as alt

_MOST = 200
_VALUES = (str, int, float, bool, type(None))
_kept: OrderedDict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = OrderedDict()
_lock = Lock()
# For all threads at once: the limit may not come back in one while another one draws.
alt.data_transformers.disable_max_rows()


def once(make: Callable[..., Any], *of: Any) -> Any:
    """Return what a function of the library makes of answers that are kept in memory.

    Answers are told apart by being the same object, plain values by being equal. What is kept
    holds its answers too, so that none of them makes place for another one of the same identity.
    """
    key = (make, *(each if isinstance(each, _VALUES) else id(each) for each in of))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][0]
    made = make(*of)
    with _lock:
        _kept[key] = (made, of)
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return made
