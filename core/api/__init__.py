"""HTTP routes: what comes in from an agent and its users, without a screen. One file per noun.

``create_api`` is mounted under ``/api`` beside the pages; ``healthz`` and ``metrics`` stand at the root; ``lifespan``
brings the process up (migrate, take back what a stopped process left, start the worker) and down again.
"""

from core.api.app import create_api, healthz, lifespan
from core.api.guards import LocalOnly
from core.api.metrics import metrics

__all__ = ["LocalOnly", "create_api", "healthz", "lifespan", "metrics"]
