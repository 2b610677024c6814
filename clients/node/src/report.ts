import type { components } from "./openapi";

/** The contract report as the sandbox answers it. */
export type ReportContent = components["schemas"]["ReportView"];

/** The contract report of a world: how the FIU has behaved, rule by rule. */
export class Report {
  constructor(readonly content: ReportContent) {}

  /** Whether no rule was broken. */
  get passed(): boolean {
    return this.content.passed;
  }

  /** Returns pass, fail, not-tested or evicted. */
  outcome(rule: string): string {
    const found = this.content.rules.find((each) => each.rule === rule);
    if (!found) throw new Error(`no rule is named ${rule}; the rules are ${this.content.rules.map((each) => each.rule).join(", ")}`);
    return found.outcome;
  }

  /** Throws an error if a rule was broken, or if nothing has tested one of these. */
  check(...tested: string[]): void {
    const broken = this.content.rules.filter((rule) => rule.outcome === "fail");
    const problems = broken.map((rule) => {
      const evidence = rule.evidence.map((item) => `\n    entry ${item.seq}: ${item.text}`);
      return `${rule.rule}: ${rule.requirement}${evidence.join("")}`;
    });
    for (const name of tested) {
      const outcome = this.outcome(name);
      if (outcome !== "pass" && outcome !== "fail") problems.push(`${name}: ${outcome}; nothing in this world has tested it`);
    }
    if (problems.length > 0) throw new Error(`contract report of world ${this.content.world}:\n${problems.join("\n")}`);
  }
}
