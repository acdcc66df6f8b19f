"""What a person sees: thin pages over core, grouped in section folders that are the menu.

Page files lie only in the section folders (``pages/review/triage.py``): a file directly in here would be
found by Streamlit's old page discovery and run without ``app.py``, that is without the frame and its login.
"""
