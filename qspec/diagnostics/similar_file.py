"""The file that was meant by a path that leads nowhere."""

from __future__ import annotations

import os
from itertools import islice

_MOST = 1000  # names that are looked at: a folder may hold any number


def similar_file(path: str) -> str:
    """A sentence: the file with a similar name in the same folder; an empty text if there is none."""
    import difflib

    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry in islice(entries, _MOST)]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.75)
    return f"a file with a similar name exists: `{os.path.join(folder, close[0])}`" if close else ""
