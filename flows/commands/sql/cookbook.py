"""Questions with the SQL that answers them, and docs/cookbook.md, which is made of them."""

from __future__ import annotations

from dataclasses import dataclass

from treasury_watch.warehouse.declarations import PROJECT, Declarations

CONFIG = "cookbook.toml"
PAGE = PROJECT / "docs" / "cookbook.md"


@dataclass(frozen=True)
class Question:
    """A question, what the figures do not say of it, the SQL, and the answer on the embedded sample as `query` prints it."""

    id: str
    question: str
    care: str
    sql: str
    answer: str


def questions(declarations: Declarations) -> list[Question]:
    """The declared questions, in their order."""
    return [
        Question(
            entry["id"], entry["question"], entry["care"], entry["sql"].strip(), entry.get("answer", "").strip("\n")
        )
        for entry in declarations.toml(CONFIG)["questions"]
    ]


def page(declarations: Declarations, note: str) -> str:
    """docs/cookbook.md."""
    asked = questions(declarations)
    lines = [
        note,
        "# Cookbook",
        "",
        f"{len(asked)} questions with their SQL, for `treasury-watch query` (also `query FILE.sql`) or any DuckDB client, and the",
        "answers on the embedded sample (`treasury-watch run --sample`), whose newest release is that of 18 June 2026. Each is",
        "asked by a test. Amounts are USD millions; a purchase by the foreigner is positive, a sale negative.",
        "",
    ]
    lines += [f"- [{one.question}](#{_anchor(one)})" for one in asked]
    for one in asked:
        lines += ["", f'<a id="{_anchor(one)}"></a>', "", f"## {one.question}", "", one.care, ""]
        lines += ["```sql", one.sql, "```", "", "```", one.answer, "```"]
    return "\n".join([*lines, ""])


def _anchor(question: Question) -> str:
    return question.id.replace("_", "-")
