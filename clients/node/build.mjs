// Builds the kit: types of all calls and webhooks from the document of the program, then JavaScript from TypeScript.

import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { findBinary } from "mockaa";

const served = spawn(findBinary(), ["serve", "--port", "0", "--stop-on-eof"], { stdio: ["pipe", "pipe", "ignore"] });
const [line] = await once(createInterface({ input: served.stdout }), "line");
const answer = await fetch(`${JSON.parse(line).base_url}/openapi.json`);
writeFileSync("openapi.json", await answer.text());
served.stdin.end();

const run = (tool, ...args) => execFileSync(`node_modules/.bin/${tool}`, args, { stdio: ["ignore", "ignore", "inherit"] });
rmSync("dist", { recursive: true, force: true });
run("openapi-typescript", "openapi.json", "-o", "src/openapi.d.ts");
run("tsc");
copyFileSync("src/openapi.d.ts", "dist/openapi.d.ts");
rmSync("openapi.json");
