"""The scripts that make charts live: Vega, Vega-Lite and Vega-Embed, as one text."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

_MAKE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
_ADDRESS = re.compile(r"https://(?=(?:github\.com|vega\.github\.io)/)")


@cache
def begin() -> subprocess.Popen[bytes] | None:
    """Begin to make the text, in a process of its own: it takes seconds, and holds all threads."""
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _MAKE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


@cache
def bundle() -> str:
    """Return the text, without the addresses that it names and what would end it in a page."""
    maker = begin()
    made = b"" if maker is None else maker.communicate()[0]
    if maker is None or maker.returncode:
        import vl_convert

        made = vl_convert.javascript_bundle().encode()  # type: ignore[call-arg]
    script = _ADDRESS.sub("", made.decode())
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
