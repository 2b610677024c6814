import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Socket } from "node:net";
import { findBinary } from "mockaa";
import { call } from "./http";

/** A running `mockaa serve` on a free port. It has as many worlds as there are tests. */
export class Sandbox {
  #process: ChildProcess | undefined;

  constructor(readonly url: string) {}

  /** Starts the program with these further arguments of `serve`. It ends with this process. */
  static async start(args: readonly string[] = ["--seed", "42"]): Promise<Sandbox> {
    // What this process has set for another sandbox does not concern this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MOCKAA_")));
    const child = spawn(findBinary(), ["serve", "--port", "0", "--stop-on-eof", ...args], {
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let log = "";
    child.stderr.on("data", (part) => {
      // Enough to explain why it does not start.
      log = (log + part).slice(-4000);
    });
    const line = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`mockaa does not start:\n${log}`)));
      createInterface({ input: child.stdout }).once("line", resolve);
    });
    // The sandbox does not keep the process alive; the end of its input stops it.
    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as Socket).unref();
    const sandbox = new Sandbox((JSON.parse(line) as { base_url: string }).base_url);
    sandbox.#process = child;
    return sandbox;
  }

  /** Calls the control API, `/_mockaa/v1/…`, of the default world. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    return call<T>(method, `${this.url}/_mockaa/v1/${path}`, body);
  }

  /** Stops the program, after it has sent the webhooks that are due. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    // Ctrl-C may have ended it already.
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    child.stdin?.end();
    await ended;
    clearTimeout(timer);
  }
}

/** The place of the sandbox of this process: a test runner may load this module once for each file. */
const SHARED = Symbol.for("@mockaa/testing sandbox");

/**
 * Returns the sandbox of the run: that of the global setup, whose address is in `MOCKAA_URL`, or else one of this
 * process.
 */
export function obtainSandbox(): Promise<Sandbox> {
  const url = process.env["MOCKAA_URL"];
  if (url) return Promise.resolve(new Sandbox(url.replace(/\/+$/, "")));
  const holder = process as unknown as { [SHARED]?: Promise<Sandbox> };
  holder[SHARED] ??= Sandbox.start();
  return holder[SHARED];
}
