"""check: raw rows into typed events, issues, and rows that are left out, so that nothing is lost on the way."""

from ingest.check.changes import compare
from ingest.check.rejected import write_rejected
from ingest.check.rows import issues_csv, left_out_rows, problem_rows
from ingest.check.rules import rules_of
from ingest.check.run import check_raw, column_questions, decimal_marks, try_settings
from ingest.check.unit_beside import unit_questions

__all__ = ["check_raw", "column_questions", "compare", "decimal_marks", "issues_csv", "left_out_rows", "problem_rows", "rules_of", "try_settings", "unit_questions", "write_rejected"]
