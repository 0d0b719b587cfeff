"""How Sphinx makes the pages (``make docs``): no other host is asked, and every warning is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import seedance_async

if TYPE_CHECKING:
    from pathlib import Path

    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "seedance-async"
author = "The seedance-async authors"
project_copyright = "the seedance-async authors, MIT licence"
version = release = seedance_async.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"seedance-async {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

smartquotes = False  # they would turn the dashes of --options into one
default_role = "code"
nitpicky = True
# Other people's names have their pages on other hosts, which a build never asks.
_FOREIGN: Final = (
    "aiohttp", "collections", "contextlib", "datetime", "dt", "decimal", "enum", "opentelemetry", "os",
    "pathlib", "prometheus_client", "pytest",
)  # fmt: skip
# These stand in signatures, and nobody but the room they belong to makes or takes apart one of them.
_INNER: Final = (
    "Asked|FaultKind|Figure|Footage|Model|Order|Progression|Refusal|RouteName|Shelf|SimClock|Status|Watcher"
    "|seedance_async.simulator.world.World"
)
nitpick_ignore_regex = [
    ("py:.*", rf"({'|'.join(_FOREIGN)})\..*"),
    ("py:.*", _INNER),
    ("py:class", r"Callable\[\[.*|CollectorRegistry|Decimal|MeterProvider|Path|TracerProvider|deque"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True

copybutton_prompt_text = r"\S*\$ "
copybutton_prompt_is_regexp = True

# `make links` asks other hosts, and only then.
linkcheck_ignore = [r"http://127\.0\.0\.1", r"https?://([\w-]+\.)*example\.org"]
linkcheck_timeout = 20

_MOVED: Final = {
    "](docs/": "](",
    "](CHANGELOG.md)": "](changelog.md)",
    "[CONTRIBUTING.md](CONTRIBUTING.md)": "CONTRIBUTING.md",
    "[LICENSE](LICENSE)": "LICENSE",
}
"""A link of README.md -> the same from a page of this folder."""


_SECTIONS: Final = {"Returns:", "Yields:"}


def _from_here(_: Sphinx, path: Path, __: str, content: list[str]) -> None:
    """Let the links of the included README lead on from where it is shown."""
    if path.name == "README.md":
        for there, here in _MOVED.items():
            content[0] = content[0].replace(there, here)


def _no_types(*args: Any) -> None:
    """Keep napoleon from taking words before a colon for a type; the types are in the signature."""
    what, lines = str(args[1]), args[-1]
    sentences = [number + 1 for number, line in enumerate(lines[:-1]) if line.strip() in _SECTIONS]
    if what in {"attribute", "data", "property"}:
        sentences.append(0)
    for number in sentences if lines else ():
        text = lines[number]
        lines[number] = text.replace(text.lstrip(), f": {text.lstrip()}")


def _public_bases(*args: Any) -> None:
    """Show what a class is for its users: a private base stands for its own bases."""
    bases: list[type] = args[-1]
    bases[:] = [
        above
        for base in bases
        for above in (base.__bases__ if base.__name__.startswith("_") else (base,))
        if above is not object
    ]


def _no_blank_bases(_: Sphinx, doctree: Any) -> None:
    """Leave the line of bases out where nothing is left to stand in it."""
    for line in list(doctree.findall()):
        if line.tagname == "paragraph" and line.astext().strip() == "Bases:":
            line.parent.remove(line)


def _by_last_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Any) -> Any:
    """Find a class by its name alone, as annotations give it that are imported for type checkers only."""
    domain = env.domains.python_domain
    name = str(node.get("reftarget", "")).rpartition(".")[2]
    found = {entry[:2]: full for full, entry in domain.objects.items() if full.rpartition(".")[2] == name}
    if node.get("refdomain") != "py" or len(found) != 1:
        return None
    here = str(node.get("refdoc", env.docname))
    [full] = found.values()
    return domain.resolve_xref(env, here, app.builder, "obj", full, node, content)


def setup(app: Sphinx) -> None:
    """Join in where Sphinx reads files and docstrings, and where it looks for names."""
    app.connect("include-read", _from_here)
    app.connect("autodoc-process-docstring", _no_types, priority=400)  # before napoleon's
    app.connect("autodoc-process-bases", _public_bases)
    app.connect("doctree-read", _no_blank_bases)
    app.connect("missing-reference", _by_last_name)
