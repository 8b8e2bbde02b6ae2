"""python3 -m ai_governance is aigov-py."""

from ai_governance.cli import run

run()
