import { createHash } from "node:crypto";
import { ApiError, call } from "./http";
import type { components } from "./openapi";
import { Report, type ReportContent } from "./report";

/** A consent as the control API shows it. */
export type Consent = components["schemas"]["ConsentView"];
/** An entry of the journal. */
export type JournalEntry = components["schemas"]["JournalPage"]["items"][number];
/** What an advance of the clock has done. */
export type Advanced = components["schemas"]["AdvanceView"];

/** The worlds that this process has open, by their sandbox. */
const OPEN = new Set<string>();

/** The settings of a world. */
export interface WorldOptions {
  /** A shipped scenario, or the text of one in YAML, that drives every consent. */
  scenario?: string;
  /** The time at which the clock is frozen, such as 2026-01-31T06:00:00Z; default: now. */
  clock?: string;
}

/** A world: an isolated part of the sandbox. It plays everyone but the FIU: the customer, the banks, and time. */
export class World {
  /** The address of the Account Aggregator for the FIU under test. */
  readonly baseUrl: string;

  constructor(
    readonly sandboxUrl: string,
    readonly name: string,
  ) {
    this.baseUrl = `${sandboxUrl}/w/${encodeURIComponent(name)}`;
  }

  /** Opens a world with a frozen clock. Its name is that of the test; ids follow from it. */
  static async open(sandboxUrl: string, test: string, options: WorldOptions = {}): Promise<World> {
    const readable = test.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 48);
    const unique = createHash("sha256").update(test).digest("hex").slice(0, 8);
    let name = `${readable}-${unique}`;
    // Tests of the same name run side by side, or a runner does not tell which test it is.
    for (let number = 2; OPEN.has(`${sandboxUrl} ${name}`); number += 1) name = `${readable}-${unique}-${number}`;
    OPEN.add(`${sandboxUrl} ${name}`);
    const world = new World(sandboxUrl, name);
    // An earlier run of the same test may have been stopped.
    await world.#remove();
    await world.control("POST", "clock/freeze");
    if (options.clock !== undefined) await world.control("POST", "clock/set", { to: options.clock });
    if (options.scenario !== undefined) await world.useScenario(options.scenario);
    return world;
  }

  /** Calls the control API of the world, `/_mockaa/v1/…`; a text is sent as YAML. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    return call<T>(method, `${this.baseUrl}/_mockaa/v1/${path}`, body);
  }

  /** Returns a consent: its `state`, terms and history. */
  consent(handle: string): Promise<Consent> {
    return this.control<Consent>("GET", `consents/${handle}`);
  }

  /** Does approve, reject, pause, resume, revoke, fail, expire or activate with a consent. */
  act(handle: string, action: string, details?: unknown): Promise<Consent> {
    return this.control<Consent>("POST", `consents/${handle}/${action}`, details);
  }

  /** Approves for the customer; `accounts` are the link numbers of the chosen accounts, by default all. */
  approve(handle: string, accounts?: readonly string[]): Promise<Consent> {
    return this.act(handle, "approve", accounts && { accounts });
  }

  /** Rejects for the customer. */
  reject(handle: string): Promise<Consent> {
    return this.act(handle, "reject");
  }

  /** Pauses an active consent. */
  pause(handle: string): Promise<Consent> {
    return this.act(handle, "pause");
  }

  /** Resumes a paused consent. */
  resume(handle: string): Promise<Consent> {
    return this.act(handle, "resume");
  }

  /** Revokes a consent for the customer. */
  revoke(handle: string): Promise<Consent> {
    return this.act(handle, "revoke");
  }

  /** Returns the world's time, such as 2026-01-31T06:00:00.000Z. */
  async now(): Promise<string> {
    return (await this.control<{ now: string }>("GET", "clock")).now;
  }

  /**
   * Advances the clock by a duration such as 2s or P30D, or to an instant, or until nothing is due any more.
   * Everything that is due happens in order, and the webhooks are answered when this returns.
   */
  advance(target: string | { by?: string; to?: string; until?: unknown }): Promise<Advanced> {
    return this.control<Advanced>("POST", "clock/advance", typeof target === "string" ? { by: target } : target);
  }

  /** Lets a scenario drive every consent: the name of a shipped one, or the text of one in YAML. Returns its name. */
  async useScenario(scenario: string): Promise<string> {
    let name = scenario;
    if (/[\n:]/.test(scenario)) {
      const found = /^name:\s*["']?([\w.-]+)/m.exec(scenario)?.[1];
      if (!found) throw new Error("the scenario has no name; begin it with `version: 1` and `name: …`");
      name = found;
      await this.control("PUT", `scenarios/${encodeURIComponent(name)}`, scenario);
    }
    await this.control("PUT", "scenarios/default", { name });
    return name;
  }

  /** Injects faults into webhooks and answers: `webhooks` and `api_faults`, in YAML or as an object. */
  async putFaults(faults: unknown, name = "test"): Promise<void> {
    await this.control("PUT", `faults/${encodeURIComponent(name)}`, faults);
  }

  /** Returns the journal: every call, event and webhook. */
  async journal(filters: Record<string, string> = {}): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = [];
    let next: number | null = null;
    do {
      const query = new URLSearchParams(next === null ? filters : { ...filters, after: String(next) });
      const page: { items: JournalEntry[]; next: number | null } = await this.control("GET", `journal?${query}`);
      entries.push(...page.items);
      next = page.next;
    } while (next !== null);
    return entries;
  }

  /** Returns the contract report, which grades how the FIU has behaved in this world. */
  async report(): Promise<Report> {
    await this.#settle();
    return new Report(await this.control<ReportContent>("GET", "report"));
  }

  /** Checks expectations in the format of scenario files; throws an error that says what differs. */
  async expect(expectations: string): Promise<void> {
    type Result = { location: string; outcome: string; expected: string; explanation?: string[] };
    const answer = await this.control<{ passed: boolean; results: Result[] }>("POST", "assert", expectations);
    if (answer.passed) return;
    const unmet = answer.results.filter((result) => result.outcome !== "met");
    const lines = unmet.flatMap(({ location, outcome, expected, explanation = [] }) => [
      `${location}: ${outcome}, expected ${expected}`,
      ...explanation.map((line) => `    ${line}`),
    ]);
    throw new Error(`expectations of world ${this.name} are not met:\n${lines.join("\n")}`);
  }

  /** Returns the journal as text, a line for each entry. */
  async describeJournal(): Promise<string> {
    await this.#settle();
    return (await this.journal({ light: "true" })).map(describeEntry).join("\n");
  }

  /** Waits until the webhooks that are due have been answered, and this is on record. */
  async #settle(): Promise<void> {
    try {
      await this.advance("0s");
    } catch (error) {
      // Another advance is under way, which waits for them too.
      if (!(error instanceof ApiError && error.status === 409)) throw error;
    }
  }

  /** Deletes the world. */
  async delete(): Promise<void> {
    await this.#remove();
    OPEN.delete(`${this.sandboxUrl} ${this.name}`);
  }

  async #remove(): Promise<void> {
    try {
      await call("DELETE", `${this.sandboxUrl}/_mockaa/v1/worlds/${encodeURIComponent(this.name)}`);
    } catch (error) {
      // It was never used, or has been deleted.
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
}

function describeEntry(entry: JournalEntry): string {
  const { call: made, webhook, text, cause } = entry as {
    call?: { method: string; path: string; status: number; op: string };
    webhook?: { event: string; status: string; outcome: string };
    text?: string;
    cause?: { kind: string; origin: string };
  };
  return [
    `${String(entry.seq).padStart(4)}  ${entry.at}  ${entry.kind}`,
    made && `${made.method} ${made.path} → ${made.status} (${made.op})`,
    webhook && `${webhook.event} ${webhook.status} → ${webhook.outcome}`,
    text,
    cause && `by ${cause.kind}: ${cause.origin}`,
  ]
    .filter(Boolean)
    .join("  ");
}
