// Packs the npm packages: `mockaa`, and the one that carries the program for a platform.
// Use: node pack.mjs VERSION PLATFORM BINARY NOTICES FOLDER, for example with the platform linux-x64.

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [version, platform, binary, notices, folder] = process.argv.slice(2);
if (!folder) {
  console.error("use: node pack.mjs VERSION PLATFORM BINARY NOTICES FOLDER");
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const licence = join(here, "../../LICENSE");
const { PACKAGES } = createRequire(import.meta.url)("./mockaa/index.js");
const names = Object.values(PACKAGES);
const name = `@mockaa/${platform}`;
if (!names.includes(name)) {
  console.error(`no package is named ${name}; use one of ${names.join(", ")}`);
  process.exit(2);
}
const stage = mkdtempSync(join(tmpdir(), "mockaa-npm-"));
mkdirSync(folder, { recursive: true });

/** Where the packages come from; the registry compares it with the provenance. */
const { GITHUB_REPOSITORY: home } = process.env;
const origin = home ? { repository: { type: "git", url: `git+https://github.com/${home}.git` } } : {};

/** Packs a folder of the stage with this package.json. */
function pack(at, description) {
  writeFileSync(join(at, "package.json"), `${JSON.stringify({ ...description, ...origin, version }, null, 2)}\n`);
  cpSync(licence, join(at, "LICENSE"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", resolve(folder), at], {
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
}

const main = join(stage, "mockaa");
cpSync(join(here, "mockaa"), main, { recursive: true });
const description = JSON.parse(readFileSync(join(main, "package.json"), "utf8"));
const optionalDependencies = Object.fromEntries(names.map((each) => [each, version]));
// A release packs each platform on a machine of its own, and this one once.
if (platform === "linux-x64") pack(main, { ...description, optionalDependencies });

const [os, cpu] = platform.split("-");
const carrier = join(stage, "carrier");
const program = join(carrier, "bin", basename(binary));
mkdirSync(dirname(program), { recursive: true });
cpSync(binary, program);
chmodSync(program, 0o755);
cpSync(notices, join(carrier, basename(notices)));
pack(carrier, {
  name,
  description: `The program of mockaa for ${os} on ${cpu}`,
  license: description.license,
  os: [os],
  cpu: [cpu],
  files: ["bin", basename(notices), "LICENSE"],
  preferUnplugged: true,
});
rmSync(stage, { recursive: true });
