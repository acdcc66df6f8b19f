"""The one entry: pages and HTTP routes in one process. `streamlit run app.py` or `uvicorn app:app` starts it.

Streamlit runs this file twice over: imported once as the server's launcher, then as the script of every browser
session. The two differ in whether a session's context is there.
"""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is not None:
    from pages.shared import frame

    frame.main()
else:
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route
    from streamlit.runtime.pages_manager import PagesManager

    from core.api import LocalOnly, create_api, healthz, lifespan, metrics
    from pages.shared import context, exposure

    # A folder named pages/ puts the first session of a server into Streamlit's old page discovery, which calls
    # a cold deep link "not found"; the menu is st.navigation's from the start.
    PagesManager.uses_pages_directory = False
    guarded = exposure.check()
    app = st.App(
        Path(__file__).resolve(),
        routes=[
            Route("/healthz", healthz),
            Route("/metrics", metrics(guarded=guarded)),
            Mount("/api", app=create_api(guarded=guarded)),
        ],
        middleware=[] if guarded else [Middleware(LocalOnly)],
        lifespan=lifespan,
        on_script_error=context.script_failed,
    )
