"""Where the tests find what they test: imported before anything of this project."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
VERIFIER = PROJECT / "verify_export.py"
VECTORS = PROJECT.parent.parent / "docs" / "vectors"

if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))
