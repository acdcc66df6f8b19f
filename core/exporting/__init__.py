"""Any list of the store as a file: which rows and columns there are, and how they are written while they are read.

    with store.read() as session:
        chosen = choose("pairs", {"agent_id": "support", "since": "2026-03-01"})
        for chunk in written(session, chosen, Format.JSONL):
            ...

``core.exporting.stream`` opens and closes the session by itself, for a face that hands the bytes on.
"""

from core.exporting.formats import Format, format_named
from core.exporting.lists import LISTS, Chosen, choose
from core.exporting.stream import count, file_name, stream, written

__all__ = ["LISTS", "Chosen", "Format", "choose", "count", "file_name", "format_named", "stream", "written"]
