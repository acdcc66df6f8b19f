"""The floors of the house, read from the source itself: who may import whom, one door for each heavy thing, bans.

words → tables, inference → store → steps (in the loop's order) → overview, workspace, exporting, lineage → jobs → api,
cli, pages → app.py.
Nothing is imported here; the files are parsed, so a rule holds for code that no test reaches as well.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# Bottom to top; a module may import from its own line and from lines above it in this list, never below.
FLOORS: list[tuple[str, ...]] = [
    ("core.errors", "core.settings", "core.untrusted", "core.work", "core.sample"),
    ("core.tables", "core.inference"),
    ("core.store",),
    ("core.feedback",),
    ("core.rewards",),
    ("core.triage",),
    ("core.judging",),
    ("core.preferences",),
    ("core.datasets",),
    ("core.training",),
    ("core.adapters",),
    ("core.overview", "core.workspace", "core.exporting", "core.lineage"),
    ("core.jobs",),
    ("core.api", "core.cli", "pages"),
    ("app",),
]
# Rooms of one floor that may not look into each other.
APART = {("core.tables", "core.inference"), ("core.inference", "core.tables"), ("core.cli", "core.api")}

# A heavy library → the only places that may import it, and there only inside functions.
DOORS: dict[str, tuple[str, ...]] = {
    "torch": ("core.training", "core.inference"),
    "transformers": ("core.training", "core.inference"),
    "trl": ("core.training", "core.inference"),
    "peft": ("core.training", "core.inference"),
    "accelerate": ("core.training", "core.inference"),
    "datasets": ("core.training", "core.inference"),
    "safetensors": ("core.training", "core.inference", "core.adapters"),
    "presidio_analyzer": ("core.feedback.redaction",),
    "phonenumbers": ("core.feedback.redaction",),
    "tldextract": ("core.feedback.redaction",),
    "plotly": ("pages.shared.charts",),
    "streamlit": ("app", "pages"),
    "fastapi": ("core.api",),
    "starlette": ("core.api", "app"),
    "typer": ("core.cli",),
    "rich": ("core.cli",),
}
LIGHT = {"streamlit", "fastapi", "starlette", "typer", "rich"}  # these may stand at the top of a module
NEVER = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal", "jsonpickle"}


@dataclass(frozen=True)
class Import:
    """One import: of which module, on which line, and whether it runs when the file is imported."""

    module: str
    line: int
    at_import: bool


@dataclass(frozen=True)
class Source:
    """One file of the project, parsed."""

    name: str
    path: Path
    tree: ast.Module

    def imports(self) -> Iterator[Import]:
        yield from _imports(self, self.tree, at_import=True)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted text of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, ast.unparse(node.func)

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(REPOSITORY)}:{line}"


def _imports(source: Source, node: ast.AST, *, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(source, child)
            yield Import(base, child.lineno, at_import)
            yield from (Import(f"{base}.{alias.name}", child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(source, child, at_import=False)
        else:
            yield from _imports(source, child, at_import=at_import)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.name.split(".") if source.path.name == "__init__.py" else source.name.split(".")[:-1]
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


@cache
def sources() -> tuple[Source, ...]:
    files = [
        REPOSITORY / "app.py",
        *(path for top in ("core", "pages") for path in sorted((REPOSITORY / top).rglob("*.py"))),
    ]
    return tuple(
        Source(_name(path), path, ast.parse(path.read_text(), filename=str(path)))
        for path in files
        if "versions" not in path.parts  # alembic writes these
    )


def _name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _under(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def _floor(module: str) -> tuple[int, str] | None:
    return next(((i, room) for i, rooms in enumerate(FLOORS) for room in rooms if _under(module, room)), None)


def test_every_file_has_a_floor() -> None:
    homeless = [s.name for s in sources() if _floor(s.name) is None and s.name != "core"]
    assert homeless == []


def test_no_floor_imports_from_above() -> None:
    wrong = []
    for source in sources():
        here = _floor(source.name)
        for imported in source.imports():
            there = _floor(imported.module)
            if here is None or there is None:
                continue
            if there[0] > here[0] or (here[1], there[1]) in APART:
                wrong.append(f"{source.at(imported.line)} imports {imported.module}")
    assert wrong == []


def test_core_never_imports_streamlit() -> None:
    wrong = [
        source.at(imported.line)
        for source in sources()
        if _under(source.name, "core")
        for imported in source.imports()
        if _under(imported.module, "streamlit") or _under(imported.module, "pages")
    ]
    assert wrong == []


@pytest.mark.parametrize("library", sorted(DOORS))
def test_one_door_each(library: str) -> None:
    wrong = []
    for source in sources():
        allowed = any(_under(source.name, door) for door in DOORS[library])
        for imported in source.imports():
            if _under(imported.module, library) and (not allowed or (imported.at_import and library not in LIGHT)):
                wrong.append(f"{source.at(imported.line)} imports {imported.module}")
    assert wrong == []


def test_echarts_and_plotly_are_drawn_by_the_charts_alone() -> None:
    wrong = [
        source.at(call.lineno)
        for source in sources()
        if source.name != "pages.shared.charts"
        for call, name in source.calls()
        if name.rsplit(".", 1)[-1] in ("echarts_chart", "plotly_chart", "pyplot", "altair_chart", "vega_lite_chart")
    ]
    assert wrong == []


def test_t02_nothing_unpickles_or_runs_foreign_code() -> None:
    wrong = []
    for source in sources():
        wrong += [source.at(i.line) for i in source.imports() if i.module.split(".")[0] in NEVER]
        for call, name in source.calls():
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            trusted = keywords.get("trust_remote_code")
            if trusted is not None and not (isinstance(trusted, ast.Constant) and trusted.value is False):
                wrong.append(source.at(call.lineno))
            if name in ("torch.load", "eval", "exec", "os.system", "yaml.load", "__import__"):
                wrong.append(source.at(call.lineno))
    assert wrong == []


def test_t03_no_page_lets_html_or_javascript_through() -> None:
    wrong = []
    for source in sources():
        for call, name in source.calls():
            if {keyword.arg for keyword in call.keywords} & {"unsafe_allow_html", "unsafe_allow_javascript"}:
                wrong.append(source.at(call.lineno))
            if name == "st.html" and not _literal(call.args[0], _constants(source)):
                wrong.append(source.at(call.lineno))
            if name.startswith(("components.v1", "st.components.v1")) or name == "st.iframe":
                wrong.append(source.at(call.lineno))
    assert wrong == []


def test_t03_components_never_set_markup() -> None:
    for source in sources():
        if "components.v2" in source.path.read_text():
            for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
                assert sink not in source.path.read_text(), f"{source.path} uses {sink}"


# What renders markdown: its text must be ours, or have passed through one of the functions below.
MARKDOWN = {
    "markdown", "write", "title", "header", "subheader", "caption", "toast", "error", "warning", "info", "success",
    "button", "form_submit_button", "download_button", "link_button", "popover", "expander", "status", "tabs", "badge",
    "checkbox", "toggle", "radio", "selectbox", "multiselect", "text_input", "text_area", "number_input", "slider",
    "segmented_control", "pills", "metric", "page_link", "progress", "spinner", "dialog", "file_uploader",
}  # fmt: skip
# Columns that hold what somebody outside wrote; an attribute of this name is foreign whatever object it is on.
FOREIGN = {
    "prompt", "response", "comment", "correction", "chosen", "rejected", "answer_a", "answer_b", "left", "right",
    "agent_id", "user_id", "name", "filename", "reasoning", "suggested_action", "annotator", "error_detail", "before",
    "after", "heading", "intent", "raw_answer", "query_understanding", "frozen_by", "requested_by", "imported_by",
    "decided_by", "reviewed_by", "notes", "base_model",
}  # fmt: skip
SAFE = {
    "band",
    "escape_label",
    "escape_html",
    "one_line",
    "len",
    "counted",
    "number",
    "share",
    "ago",
    "exact",
    "duration",
}


def test_t04_markdown_never_carries_foreign_text() -> None:
    """A label may interpolate what it likes, except a column that holds foreign text and was not escaped."""
    wrong = []
    for source in sources():
        if not _under(source.name, "pages"):
            continue
        for call, name in source.calls():
            if name.rsplit(".", 1)[-1] not in MARKDOWN or not name.startswith("st.") or not call.args:
                continue
            wrong += [f"{source.at(call.lineno)} shows {leak}" for leak in _leaks(call.args[0])]
            for keyword in call.keywords:
                if keyword.arg in ("help", "label", "body", "text", "title"):
                    wrong += [f"{source.at(call.lineno)} shows {leak}" for leak in _leaks(keyword.value)]
    assert wrong == []


def _leaks(node: ast.AST) -> Iterator[str]:
    called = node.value if isinstance(node, ast.Attribute) else node  # band(value).name is as safe as band(value)
    if isinstance(called, ast.Call) and ast.unparse(called.func).rsplit(".", 1)[-1] in SAFE:
        return
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return  # ``{count:,}``: text takes no number's format
    if isinstance(node, ast.Attribute) and node.attr in FOREIGN and not ast.unparse(node).endswith("__name__"):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from _leaks(child)


def _constants(source: Source) -> set[str]:
    """Names a module binds at its top to a plain string."""
    return {
        target.id
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _literal(node: ast.expr, constants: set[str]) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in constants)


def test_the_checker_of_markdown_sees_a_leak() -> None:
    """The rule above must be able to fail."""
    found = list(_leaks(ast.parse("f'{row.prompt} {escape_label(row.comment)} {row.count}'", mode="eval")))
    assert found == ["row.prompt"]


def test_t09_every_page_lies_in_a_section() -> None:
    """A page directly in pages/ would be found, and run, without the frame."""
    assert [path.name for path in (REPOSITORY / "pages").glob("*.py")] == ["__init__.py"]


def test_the_first_page_imports_nothing_heavy() -> None:
    """Import all that the first page needs in a fresh process, and look at what came along.

    Plotly is not in the list: Streamlit imports it by itself wherever it is installed.
    """
    heavy = "{'torch', 'transformers', 'trl', 'peft', 'accelerate', 'datasets', 'presidio_analyzer', 'scipy'}"
    code = (
        "import sys, logging; logging.disable(logging.CRITICAL)\n"
        "import core.api, pages.shared.frame, pages.shared.exposure, pages.shared.charts\n"
        "import pages.overview.board, pages.overview.needs, pages.overview.latest, pages.overview.start\n"
        "import core.jobs.worker, core.jobs.kinds, core.training.runs; core.jobs.kinds.all_kinds()\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr
