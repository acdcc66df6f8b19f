"""The one door to local models: a folder is inspected, loaded, and answers with text or log-probabilities.

`folder` looks at files only and is cheap to import; `local` loads a model and imports torch when it is asked to.
Nothing here knows the store, and nothing reaches the network unless a caller passes ``allow_hub=True``.
"""
