"""The first page: where the loop stands, and what waits."""
