"""The description of the HTTP routes as one plain page, built from the OpenAPI document; no script, no request."""

from __future__ import annotations

import html
import json
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_ID = "0198c2f0-7a55-7000-8000-000000000000"
PLAUSIBLE = {
    "agent_id": "support",
    "prompt": "How do I export my invoices?",
    "response": "Open Billing, then choose Export.",
    "message_id": _ID,
    "query_id": _ID,
    "execution_id": "run-17",
    "transcript": "Show me the temperature of pump 2",
    "feedback_type": "thumbs_up",
    "type": "bug",
}

_STYLE = """
:root { color-scheme: light dark; --line: #e4e6eb; --quiet: #6b7180; --soft: #f5f6f8; --accent: #4f46e5; }
@media (prefers-color-scheme: dark) {
  :root { --line: #272b36; --quiet: #949bab; --soft: #171a22; --accent: #a5a8fa; }
  body { background: #0e1016; color: #e6e8ee; }
}
body { font: 15px/1.55 Inter, system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } p { color: var(--quiet); margin: 0.2rem 0 1rem; }
section { border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; margin: 1.25rem 0; }
h2 { font-size: 1rem; margin: 0; font-weight: 600; } h2 code { font-size: 0.95rem; }
.verb { color: var(--accent); font-weight: 700; margin-right: 0.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.87rem; table-layout: fixed; } a { color: var(--accent); }
td:first-child { width: 36%; } td { padding: 0.3rem 0.6rem 0.3rem 0;
  border-top: 1px solid var(--line); vertical-align: top; }
td:nth-child(2) { color: var(--quiet); white-space: nowrap; }
code, pre { font-family: ui-monospace, Menlo, monospace; } pre { background: var(--soft); padding: 0.8rem;
  border-radius: 8px; overflow-x: auto; font-size: 0.82rem; } h3 { font-size: 0.82rem; color: var(--quiet);
  margin: 1rem 0 0.4rem; font-weight: 600; } .must { color: var(--accent); }
"""


def page(document: dict[str, Any]) -> str:
    """HTML of the whole description."""
    sections = "".join(
        _operation(verb, path, operation, document)
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
    )
    title, about = html.escape(document["info"]["title"]), html.escape(document["info"]["description"])
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}: HTTP routes</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{_STYLE}</style></head><body>"
        f"<h1>{title}: HTTP routes</h1><p>{about} Send JSON; with a token set, send it as "
        '<code>Authorization: Bearer …</code>. Errors answer <code>{"error": sentence}</code>. A POST '
        "with an <code>Idempotency-Key</code> acts once, however often it is sent within 24 hours. "
        "The same as a document: <a href='openapi.json'>openapi.json</a>.</p>"
        f"{sections}</body></html>"
    )


def _operation(verb: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    parts = [
        f"<section><h2><span class='verb'>{verb.upper()}</span><code>/api{html.escape(path)}</code></h2>",
        f"<p>{html.escape(operation.get('summary', ''))}</p>",
    ]
    if parameters := operation.get("parameters"):
        rows = [(p["name"], p["schema"], p.get("required", False), p.get("description", "")) for p in parameters]
        parts.append(_table("Parameters", rows))
    if body := _schema(operation.get("requestBody", {}), document):
        parts.append(_table("Body", _fields(body)))
        example = _example(body, _one_item(path, document))
        parts.append(f"<h3>Example</h3><pre>{html.escape(json.dumps(example, indent=2))}</pre>")
    for code, answer in operation["responses"].items():
        if code.startswith("2") and (schema := _schema(answer, document)):
            parts.append(_table(f"Answer {code}", _fields(schema, answered=True)))
    return "".join(parts) + "</section>"


def _schema(holder: dict[str, Any], document: dict[str, Any]) -> dict[str, Any] | None:
    schema = holder.get("content", {}).get("application/json", {}).get("schema")
    return _resolved(schema, document) if schema else None


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _fields(schema: dict[str, Any], *, answered: bool = False) -> list[tuple[str, dict[str, Any], bool, str]]:
    required = [] if answered else schema.get("required", [])  # an answer always holds all its fields
    return [
        (name, field, name in required, field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]


def _table(title: str, rows: list[tuple[str, dict[str, Any], bool, str]]) -> str:
    cells = "".join(
        f"<tr><td><code>{html.escape(name)}</code>{' <span class=must>required</span>' if must else ''}</td>"
        f"<td>{html.escape(_kind(schema))}</td><td>{html.escape(about)}</td></tr>"
        for name, schema, must, about in rows
    )
    return f"<h3>{html.escape(title)}</h3><table>{cells}</table>"


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return f"one of {len(schema['enum'])} names"
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1].removesuffix("Out").removesuffix("In").lower()
    kind = str(schema.get("format") or schema.get("type", "any"))
    if kind == "array":
        return f"list, at most {schema['maxItems']}" if "maxItems" in schema else "list"
    return f"{kind}, at most {schema['maxLength']:,}" if "maxLength" in schema else kind


def _one_item(path: str, document: dict[str, Any]) -> dict[str, Any] | None:
    """What one item of a batch is: the body of the route for one."""
    one = document["paths"].get(path.removesuffix("/batch")) if path.endswith("/batch") else None
    return _schema(one["post"]["requestBody"], document) if one else None


def _example(schema: dict[str, Any], item: dict[str, Any] | None) -> dict[str, Any]:
    """The required fields with a plausible value each."""
    if item is not None:
        return {name: [_example(item, None)] for name in schema.get("required", [])}
    return {name: PLAUSIBLE.get(name, "…") for name in schema.get("required", [])}
