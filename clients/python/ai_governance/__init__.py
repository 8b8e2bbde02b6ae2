"""Client of the AI Governance Control Plane, in the standard library alone."""

from ai_governance.client import Client
from ai_governance.errors import GovernanceError
from ai_governance.version import __version__

__all__ = ["Client", "GovernanceError", "__version__"]
