"use strict";

/** The packages that carry the program, by the platform and processor of Node. */
const PACKAGES = {
  "linux x64": "@mockaa/linux-x64",
  "linux arm64": "@mockaa/linux-arm64",
  "darwin x64": "@mockaa/darwin-x64",
  "darwin arm64": "@mockaa/darwin-arm64",
  "win32 x64": "@mockaa/win32-x64",
};

/** Returns the path of the program; throws an error that says why there is none. */
function findBinary() {
  const chosen = process.env.MOCKAA_BINARY;
  if (chosen) return chosen;
  const platform = `${process.platform} ${process.arch}`;
  const name = PACKAGES[platform];
  if (!name) {
    throw new Error(
      `mockaa has no program for ${platform}; build one with cargo, and name it in MOCKAA_BINARY`,
    );
  }
  const file = process.platform === "win32" ? "mockaa.exe" : "mockaa";
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    throw new Error(
      `the package ${name} is missing; install mockaa with its optional dependencies (npm install --include=optional)`,
    );
  }
}

module.exports = { PACKAGES, findBinary };
