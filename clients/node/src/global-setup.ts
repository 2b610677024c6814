/**
 * The global setup of vitest and jest: one sandbox for all files of a run, `globalSetup: "@mockaa/testing/global-setup"`.
 */

import { Sandbox } from "./sandbox";

/** Starts the sandbox; returns what stops it. Under jest it ends with the run. */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env["MOCKAA_URL"]) return async () => {};
  const sandbox = await Sandbox.start();
  process.env["MOCKAA_URL"] = sandbox.url;
  return async () => {
    delete process.env["MOCKAA_URL"];
    await sandbox.stop();
  };
}
