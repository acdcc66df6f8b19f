"""Each benchmark prints a ratio against a named opponent measured in the same run, with n and spread."""
