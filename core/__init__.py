"""Everything that is true of Hone without a screen. Nothing in here imports streamlit."""
