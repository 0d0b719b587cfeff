"""Compare the pinned packages with the known advisories: ``python -m tests.audit``, which is ``make audit``.

It ends with 1 at a finding, and at a failure that it cannot explain. Where the service of the advisories
cannot be reached, or knows none of the packages (as behind a mirror that has only the files), it says so and
ends with 0: nothing is known then, for good or for bad.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, Final

from tests.checkout import ROOT

_PROGRAM: Final = ("uv", "tool", "run", "--quiet", "pip-audit")
_HOW: Final = (
    "--disable-pip",
    "--require-hashes",
    "--format",
    "json",
    "--requirement",
    "requirements/dev.txt",
)
_UNREACHABLE: Final = re.compile(r"connect|resolv|timed? ?out|unreachable|dns error", re.IGNORECASE)
NO_DATA: Final = "The advisories could not be had here, so nothing was compared:"


def verdict(told: str, complaint: str) -> tuple[int, str]:
    """Judge what pip-audit printed, on stdout and on stderr, as exit code and words."""
    try:
        packages: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except ValueError:
        why = complaint.strip().splitlines() or ["it said nothing"]
        if _UNREACHABLE.search(complaint):
            return 0, f"{NO_DATA} {why[-1].strip()}"
        return 1, "\n".join(["The audit failed:", *why])
    found = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'none'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    if found:
        return 1, "\n".join(found)
    unknown = [one for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        return 0, f"{NO_DATA} the service knows none of the {len(packages)} packages."
    left_out = f" {', '.join(one['name'] for one in unknown)} could not be compared." if unknown else ""
    return 0, f"No advisory is known for {len(packages) - len(unknown)} packages.{left_out}"


def main() -> int:
    """Ask, print, and give the exit code."""
    program = [sys.executable, "-m", *_PROGRAM, *_HOW]
    done = subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True)
    code, words = verdict(done.stdout, done.stderr)
    sys.stdout.write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
