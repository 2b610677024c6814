// The description of all calls: search, anchors, copy as curl, and calls of this sandbox.
"use strict";

const server = document.body.dataset.server;
const operations = [...document.querySelectorAll("details.operation")];

// Search: every word has to occur in the method, path, name or summary.
const search = document.getElementById("search");
const found = document.getElementById("found");

function filterOperations() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const operation of operations) {
    const text = operation.dataset.words.toLowerCase();
    operation.hidden = !words.every((word) => text.includes(word));
    if (!operation.hidden) count += 1;
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = !section.querySelector("details.operation:not([hidden])");
  }
  found.textContent = words.length ? `${count} of ${operations.length}` : "";
}

search.addEventListener("input", filterOperations);

// An address with an anchor opens its operation; an open operation changes the address.
function openAnchor() {
  // Names of operations have plain letters only, so that the anchor needs no decoding.
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

addEventListener("hashchange", openAnchor);
openAnchor();
for (const operation of operations) {
  operation.addEventListener("toggle", () => {
    if (operation.open) history.replaceState(null, "", `#${operation.id}`);
  });
}

// The request that a form describes.
function readRequest(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (input.dataset.in === "path") {
      path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    } else if (input.value !== "" && input.dataset.in === "query") {
      query.append(input.name, input.value);
    } else if (input.value !== "") {
      headers[input.name] = input.value;
    }
  }
  const key = form.querySelector(".key-input");
  if (key && key.value !== "") {
    const { header, prefix } = key.dataset;
    headers[header] = prefix === "" || key.value.includes(" ") ? key.value : `${prefix} ${key.value}`;
  }
  const body = form.querySelector("textarea");
  const request = { method: form.dataset.method, headers };
  if (body && body.value !== "") {
    headers["content-type"] = body.dataset.type;
    request.body = body.value;
  }
  const text = query.toString();
  return { path: text ? `${path}?${text}` : path, request };
}

function quoteForShell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function describeAsCurl(form) {
  const { path, request } = readRequest(form);
  const lines = [`curl -s -X ${request.method} ${quoteForShell(server + path)}`];
  for (const [name, value] of Object.entries(request.headers)) {
    lines.push(`-H ${quoteForShell(`${name}: ${value}`)}`);
  }
  if (request.body !== undefined) lines.push(`-d ${quoteForShell(request.body)}`);
  return lines.join(" \\\n  ");
}

function formatBody(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function makeCall(form) {
  const outcome = form.querySelector(".outcome");
  const { path, request } = readRequest(form);
  // The page may be reached under another name than the server's own; calls go where the page came from.
  const base = location.pathname.replace(/\/docs$/, "");
  outcome.textContent = "…";
  const started = performance.now();
  try {
    const response = await fetch(base + path, { ...request, redirect: "manual" });
    const type = response.headers.get("content-type") ?? "";
    const isText = /json|text|yaml|javascript/.test(type);
    const body = isText ? formatBody(await response.text(), type) : type;
    const status = response.type === "opaqueredirect" ? "a redirect" : response.status;
    showOutcome(outcome, `${status} in ${Math.round(performance.now() - started)} ms`, body);
  } catch (error) {
    showOutcome(outcome, `No answer: ${error.message}`, "");
  }
}

function showOutcome(outcome, title, body) {
  const heading = document.createElement("h4");
  heading.textContent = title;
  const text = document.createElement("pre");
  text.tabIndex = 0;
  text.textContent = body;
  outcome.replaceChildren(heading, ...(body === "" ? [] : [text]));
}

for (const form of document.querySelectorAll("form.try")) {
  const curl = form.querySelector(".curl");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    makeCall(form);
  });
  if (!curl) continue;
  curl.textContent = describeAsCurl(form);
  form.addEventListener("input", () => {
    curl.textContent = describeAsCurl(form);
  });
  form.querySelector(".copy").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(curl.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(curl);
      button.textContent = "Selected: press Ctrl+C";
    }
  });
}
