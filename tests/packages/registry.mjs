// A local npm registry that has the packages of a folder; requests for all others are redirected to another registry.
// Use: node registry.mjs FOLDER UPSTREAM. It prints its address, and runs until its standard input is closed.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [folder, upstream] = process.argv.slice(2);
if (!upstream) {
  console.error("use: node registry.mjs FOLDER UPSTREAM");
  process.exit(2);
}

/** The files of the folder, by the name of their package. */
const packages = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".tgz"))) {
  const description = JSON.parse(execFileSync("tar", ["-xOzf", join(folder, file), "package/package.json"]));
  packages.set(description.name, { description, file, bytes: readFileSync(join(folder, file)) });
}

/** Returns what the registry says of a package: its versions, of which there is one. */
function describe({ description, file, bytes }, host) {
  const { name, version } = description;
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const dist = { tarball: `http://${host}/-/${file}`, integrity };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...description, dist } } };
}

const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url.slice(1));
  const found = packages.get(path);
  const tarball = [...packages.values()].find(({ file }) => path === `-/${file}`);
  if (found) {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(describe(found, request.headers.host)));
  } else if (tarball) {
    response.end(tarball.bytes);
  } else if (path.startsWith("@mockaa/")) {
    // The programs of other platforms, which this folder lacks.
    response.writeHead(404).end("{}");
  } else {
    response.writeHead(302, { location: new URL(request.url.slice(1), upstream).href }).end();
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
process.stdin.on("end", () => process.exit(0)).resume();
