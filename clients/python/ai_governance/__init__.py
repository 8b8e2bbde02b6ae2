"""Client of the AI Governance Control Plane, in the standard library alone."""

from ai_governance.client import Client
from ai_governance.errors import GovernanceError
from ai_governance.gate import verify_vsa
from ai_governance.proofs import verify_consistency, verify_inclusion
from ai_governance.version import __version__

__all__ = [
    "Client",
    "GovernanceError",
    "__version__",
    "verify_consistency",
    "verify_inclusion",
    "verify_vsa",
]
