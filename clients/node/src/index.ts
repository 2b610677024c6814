/** Contract tests of an FIU against mockaa, a local stand-in for an Account Aggregator. */

import { relative } from "node:path";
import { type KeySet, readJwks, SigningKey } from "./crypto";
import { call } from "./http";
import { Inbox } from "./inbox";
import { Fiu } from "./rebit";
import type { Report } from "./report";
import { obtainSandbox, Sandbox } from "./sandbox";
import { UnaportFiu } from "./unaport";
import { World, type WorldOptions } from "./world";

export { type Jwks, type KeyMaterial, type KeySet, openCompact, readJwks, SessionKey, SignatureError, SigningKey, UnknownKeyError, verify } from "./crypto";
export { ApiError } from "./http";
export { Inbox, Webhook, type WebhookFilter, type WebhookSource } from "./inbox";
export type { components, operations, paths, webhooks } from "./openapi";
export { Account, type Artefact, Fiu } from "./rebit";
export { Report, type ReportContent } from "./report";
export { Sandbox } from "./sandbox";
export { UnaportFiu } from "./unaport";
export { type Advanced, type Consent, type JournalEntry, World, type WorldOptions } from "./world";

/** What a test works with. */
export interface Mockaa {
  /** The sandbox of the run. */
  sandbox: Sandbox;
  /** A world of the test, with a frozen clock; it is deleted afterwards. */
  world: World;
  /** A receiver of the webhooks of the test, for both APIs. */
  inbox: Inbox;
  /** An FIU that uses ReBIT's API: it signs, verifies and decrypts. */
  fiu: Fiu;
  /** Logs in at the Unaport API. */
  unaport(): Promise<UnaportFiu>;
  /** Reads the contract report: `(await report()).check("deduplicates-webhooks")`. */
  report(): Promise<Report>;
}

let ownKey: SigningKey | undefined;

/** Prepares what a test works with. `test` is its name, unique in the run. Call `close` afterwards. */
export async function openMockaa(test: string, options: WorldOptions = {}): Promise<Mockaa & { close(): Promise<void> }> {
  const sandbox = await obtainSandbox();
  const world = await World.open(sandbox.url, test, options);
  const aaKeys: KeySet = readJwks(await call("GET", `${sandbox.url}/.well-known/jwks.json`));
  const inbox = await Inbox.start({
    readKeys: async () => readJwks(await call("GET", `${world.baseUrl}/.well-known/jwks.json`)),
    readTime: () => world.now(),
  });
  const { items } = await world.control<{ items: { id: string }[] }>("GET", "config/fiu");
  for (const { id } of items) await world.control("PUT", `config/fiu/${id}`, { baseUrl: inbox.url });
  // A key of 2048 bits takes a tenth of a second.
  ownKey ??= new SigningKey("mockaa-testing");
  const fiu = await Fiu.register(world, ownKey, aaKeys);
  const close = async () => {
    await inbox.close();
    await world.delete();
  };
  return { sandbox, world, inbox, fiu, unaport: () => UnaportFiu.logIn(world), report: () => world.report(), close };
}

/** The contexts that node:test and vitest pass to a test, as far as they name it. */
type TestContext = { fullName?: string; name?: string; task?: Task };

/** A test or a suite of vitest. */
type Task = { name: string; suite?: Task; file?: { name: string } };

/** The state of jest's `expect`, which is global. */
type JestState = { currentTestName?: string; testPath?: string };

/**
 * Wraps a test, for vitest, jest and node:test: `test("a customer approves", withMockaa(async ({ fiu }) => { … }))`.
 * When the test fails, the journal of its world stands in the message of the error.
 */
export function withMockaa(test: (mockaa: Mockaa, ...row: any[]) => Promise<void> | void, options: WorldOptions = {}): (context?: unknown) => Promise<void> {
  // With a parameter, jest would wait for a callback.
  return async (...contexts: unknown[]) => {
    const mockaa = await openMockaa(nameTest(contexts[0]), options);
    try {
      // The row of a table of tests, or the context of the runner.
      await test(mockaa, ...contexts);
    } catch (error) {
      const journal = await mockaa.world.describeJournal().catch((reason) => `cannot be read: ${reason}`);
      addText(error, `\n\njournal of the mockaa world ${mockaa.world.name}:\n${journal}`);
      throw error;
    } finally {
      await mockaa.close();
    }
  };
}

/** Adds a text to the message of an error. The test runners show the message or the stack, which has the message too. */
function addText(error: unknown, text: string): void {
  const failure = error as { message?: unknown; stack?: unknown } | null;
  if (typeof failure?.message !== "string") return;
  const { message, stack } = failure;
  failure.message = message + text;
  if (typeof stack === "string") failure.stack = stack.includes(message) ? stack.replace(message, () => message + text) : stack + text;
}

/** Returns the name of a test, and in parentheses its file: two files may have tests of the same name. */
function nameTest(context: unknown): string {
  const { fullName, name, task } = (context ?? {}) as TestContext;
  const { expect } = globalThis as { expect?: { getState?: () => JestState } };
  const jest = expect?.getState?.() ?? {};
  const file = task?.file?.name ?? relative(process.cwd(), jest.testPath ?? process.argv[1] ?? "");
  return `${joinNames(task) ?? fullName ?? name ?? jest.currentTestName ?? "test"} (${file})`;
}

/** Returns the names of the suites of a test and its own. */
function joinNames(task: Task | undefined): string | undefined {
  return task && [joinNames(task.suite), task.name].filter(Boolean).join(" ");
}
