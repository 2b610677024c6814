"""The contract report, as an assertion."""

from __future__ import annotations

from typing import Any, Mapping


class Report:
    """The contract report of a world: how the FIU has behaved, rule by rule."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.rules: dict[str, Mapping[str, Any]] = {rule["rule"]: rule for rule in content["rules"]}

    @property
    def passed(self) -> bool:
        """Whether no rule was broken."""
        return bool(self.content["passed"])

    def outcome(self, rule: str) -> str:
        """Returns pass, fail, not-tested or evicted."""
        if rule not in self.rules:
            raise KeyError(f"no rule is named {rule!r}; the rules are {', '.join(self.rules)}")
        return str(self.rules[rule]["outcome"])

    def check(self, *tested: str) -> None:
        """Raises an `AssertionError` if a rule was broken, or if nothing has tested one of these."""
        problems = [f"{name}: {rule['requirement']}{_describe_evidence(rule)}"
                    for name, rule in self.rules.items() if rule["outcome"] == "fail"]
        problems += [f"{name}: {self.outcome(name)}; nothing in this world shows whether {self.rules[name]['requirement']}"
                     for name in tested if self.outcome(name) not in ("pass", "fail")]
        if problems:
            raise AssertionError("contract report of world {}:\n{}".format(self.content["world"], "\n".join(problems)))

    def __str__(self) -> str:
        return "\n".join(f"{rule['outcome']:<10}  {name}" for name, rule in self.rules.items())


def _describe_evidence(rule: Mapping[str, Any]) -> str:
    return "".join(f"\n    entry {item['seq']}: {item['text']}" for item in rule["evidence"])
