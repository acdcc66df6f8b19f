"""One engine, two ways in: ``store.read()`` and ``store.write()``.

A step's functions take the session and never commit; the face opens one transaction per action:

    store = Store.open(settings)          # creates the file, migrates it under a lock
    with store.write() as session:        # takes the write lock at once, commits on leaving
        feedback.store_message(session, ...)
"""

from core.store.engine import Store

__all__ = ["Store"]
