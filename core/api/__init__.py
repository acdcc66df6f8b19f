"""HTTP routes: what comes in from an agent and its users, without a screen. One file per noun.

``create_api`` is mounted under ``/api`` beside the pages; ``healthz`` stands at the root; ``lifespan`` brings
the process up (migrate, recover interrupted runs, start the executor) and down again.
"""

from core.api.app import create_api, healthz, lifespan
from core.api.guards import LocalOnly

__all__ = ["LocalOnly", "create_api", "healthz", "lifespan"]
