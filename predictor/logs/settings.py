"""A run's settings from YAML, as plain values; nothing in the file is ever constructed."""

from __future__ import annotations

from predictor.logs.layout import flatten
from predictor.logs.source import Source

_Scalar = str | int | float | bool


def read_settings(source: Source) -> tuple[dict[str, _Scalar], list[str]]:
    """Return scalar settings by name, nested ones joined by a slash, and the names left out.

    Raises
    ------
    InputError
        If the file is no YAML.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):
        """Safe loading in which foreign tags stand for nothing instead of failing."""

    PlainLoader.add_multi_constructor("", lambda *_: _Foreign())
    try:
        content = yaml.load(source.document(), Loader=PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise source.error(f"the YAML is broken ({reason}); write it again") from None
    flat = flatten(content) if isinstance(content, dict) else {}
    settings = {str(key): value for key, value in flat.items() if isinstance(value, _Scalar)}
    skipped = [str(key) for key, value in flat.items() if isinstance(value, _Foreign)]
    return settings, skipped


class _Foreign:
    """Stands where the file asks for a Python object."""
