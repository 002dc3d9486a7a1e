"""Questions that reading asks. An option's value is the change to the ReadSpec that answers it, as JSON."""

import json
from collections.abc import Mapping

from schemas.checking import Question, QuestionOption

NOTHING = "{}"


def question(name: str, text: str, options: Mapping[str, Mapping[str, object]], proposed: str | None = None) -> dict[str, object]:
    """A question that doesn't hold anything up; `options`: label → change, the first is proposed."""
    given = tuple(QuestionOption(value=json.dumps(change, ensure_ascii=False), label=label) for label, change in options.items())
    return Question(name=name, text=text, options=given, proposed=proposed or given[0].value, blocking=False).model_dump(mode="json")
