#!/usr/bin/env node
"use strict";

const { spawn } = require("node:child_process");
const { findBinary } = require("../index.js");

let binary;
try {
  binary = findBinary();
} catch (error) {
  console.error(`mockaa: ${error.message}`);
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
// The program ends in order when it is asked to; this process ends after it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`mockaa: cannot run ${binary}: ${error.message}`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exitCode = code;
  }
});
