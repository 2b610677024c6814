// A small Financial Information User (FIU) for ReBIT's AA API 2.0.0, to copy and to extend.
//
// It raises consents, receives webhooks, and requests, fetches and decrypts the data of the accounts. A webhook about a consent is only a
// hint: what is true is what the AA answers. One about data says when to fetch. `../README.md` explains the parts and the settings, and
// says what a real FIU needs besides.

import { createServer } from "node:http";
import {
  createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, randomBytes, randomUUID, sign, verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const {
  AA_URL = "http://127.0.0.1:8080",
  AA_ID = "mockaa",
  FIU_ID = "FIU-1",
  API_KEY = "mockaa-dev-fiu-1-api-key",
  KEY_FILE = "fixtures/keys/fiu-1.pem",
  KEY_ID = "fiu-1-dev-1",
  HOST = "127.0.0.1",
  PORT = "9000",
  CHECK_SECONDS = "60",
} = process.env;

const TOLERANCE_MS = 15 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const WEBHOOK_BYTES_MAX = 1_000_000;
const ATTEMPTS = 4;
const WAIT_MAX_MS = 10_000;
const RETRY_AFTER_MAX_S = 3600;
const CALL_TIMEOUT_MS = 30_000;
const SESSIONS_MAX = 3;
const ENDED = ["REJECTED", "FAILED", "REVOKED", "EXPIRED"];
const SESSION_ENDED = ["COMPLETED", "FAILED", "EXPIRED"];
// Calls that make something: they are repeated only if the AA says that it has failed.
const MAKING = ["/Consent", "/FI/request"];

// The fields of each answer on which this FIU relies, with their types.
const TIMED = { ver: "string", timestamp: "string", txnid: "string" };
const CREATED = { ...TIMED, ConsentHandle: "string" };
const CONSENT_STATUS = { ...TIMED, ConsentHandle: "string", ConsentStatus: { status: "string" } };
const SIGNED_CONSENT = { Customer: { id: "string" }, DataConsumer: { id: "string" }, FIDataRange: { from: "string", to: "string" } };
const ARTEFACT = {
  ver: "string", txnid: "string", consentId: "string", createTimestamp: "string", signedConsent: "string", status: "string",
  ConsentUse: { logUri: "string", count: "number", lastUseDateTime: "string" },
};
const SESSION = { ...TIMED, consentId: "string", sessionId: "string" };
const KEY_MATERIAL = { DHPublicKey: { KeyValue: "string" }, Nonce: "string" };
const ACCOUNT_DATA = { linkRefNumber: "string", maskedAccNumber: "string", encryptedFI: "string" };
const FETCHED = { ...TIMED, FI: [{ fipID: "string", KeyMaterial: KEY_MATERIAL, data: [ACCOUNT_DATA] }] };
const NOTIFIED = { ...TIMED, Notifier: { type: "string", id: "string" } };
const FI_STATUS = { ...NOTIFIED, FIStatusNotification: { sessionId: "string", sessionStatus: "string" } };
const NOTIFICATIONS = {
  "/Consent/Notification": { ...NOTIFIED, ConsentStatusNotification: { consentHandle: "string", consentStatus: "string" } },
  "/FI/Notification": FI_STATUS,
  "/FI/Data": FI_STATUS, // mockaa's extension, which pushes the data; this FIU fetches it instead
};

/** A message that must not be believed; the text says why. */
class Invalid extends Error {}

/** The AA's refusal of a call, a status of 3xx or 4xx. The same call would be refused again. */
class Refused extends Error {
  constructor(status, text) {
    super(`the AA answers ${status}: ${text}`);
    this.status = status;
  }
}

/** No answer of the AA, or none that arrived whole. */
class Unavailable extends Error {
  constructor(text, { hasFailed = false } = {}) {
    super(text);
    this.hasFailed = hasFailed; // the AA says so; else it may have done what it was asked
  }
}

function decodeBase64Url(text) {
  // Node ignores what is no base64url, such as one character more; this FIU refuses it.
  const octets = Buffer.from(text, "base64url");
  if (!text || octets.toString("base64url") !== text) throw new Invalid("it is no base64url");
  return octets;
}

function parseJson(octets) {
  try {
    return JSON.parse(octets.toString());
  } catch {
    throw new Invalid("it is no JSON");
  }
}

/** Refuses a timestamp that is more than 15 minutes off. */
function checkTime(text) {
  // `Date` takes more than ISO 8601 with an offset, and reads a time without one as local.
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) throw new Invalid(`${text} is no timestamp with an offset`);
  if (Math.abs(Date.now() - at) > TOLERANCE_MS) throw new Invalid(`${text} is more than 15 minutes off`);
}

/** Refuses a value that lacks a field, or has one of another type. Further fields are allowed. */
function checkShape(value, shape, name = "the message") {
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) throw new Invalid(`${name} is no array`);
    for (const item of value) checkShape(item, shape[0], `an entry of ${name}`);
  } else if (typeof shape === "object") {
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Invalid(`${name} is no object`);
    for (const [field, inner] of Object.entries(shape)) checkShape(value[field], inner, field);
  } else if (typeof value !== shape) {
    throw new Invalid(`${name} is no ${shape}`);
  }
}

/** The AA's public keys. A key that is not known is looked up again, once a minute at most: the AA may have a new one. */
class AaKeys {
  #keys = new Map();
  #readAgainAt = -Infinity;
  #reading = null;

  async #find(kid) {
    if (!this.#keys.has(kid) && performance.now() - this.#readAgainAt >= 60_000) {
      this.#reading ??= this.#read().finally(() => (this.#reading = null));
      await this.#reading;
    }
    return this.#keys.get(kid);
  }

  /** Reads the keys if there are none yet, so that an answer can be verified. */
  async load() {
    if (!this.#keys.size) await this.#find("");
  }

  async #read() {
    try {
      if (this.#keys.size) this.#readAgainAt = performance.now();
      const address = `${AA_URL}/.well-known/jwks.json`;
      const answer = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`the AA answers ${answer.status}`);
      const { keys } = await answer.json();
      const rsaKeys = keys.filter((jwk) => jwk.kty === "RSA");
      this.#keys = new Map(rsaKeys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));
    } catch (error) {
      throw new Unavailable(`the AA's keys cannot be read: ${error.message}`);
    }
  }

  /** Refuses a detached JWS, `header..signature`, that is not the AA's over these bytes. */
  async verify(jws, message) {
    const [header, payload, signature, ...rest] = jws?.split(".") ?? [];
    if (!header || payload || !signature || rest.length) throw new Invalid("it is no detached JWS");
    const fields = parseJson(decodeBase64Url(header));
    // The sender chooses neither the algorithm nor extensions of JWS.
    const isExpected = fields?.alg === "RS256" && [undefined, '["b64"]'].includes(JSON.stringify(fields.crit));
    if (!isExpected) throw new Invalid("it is no JWS with RS256");
    const key = await this.#find(fields.kid);
    if (!key) throw new Invalid(`the AA has no key ${JSON.stringify(fields.kid)}`);
    const signed = fields.b64 === false ? message : Buffer.from(message.toString("base64url"));
    if (!verify("RSA-SHA256", Buffer.concat([Buffer.from(`${header}.`), signed]), key, decodeBase64Url(signature))) {
      throw new Invalid("the signature is not the AA's over these bytes");
    }
  }

  /** Returns the content of a compact JWS, `header.payload.signature`, of the AA. */
  async open(jws) {
    const [header, payload, signature, ...rest] = jws?.split(".") ?? [];
    if (!header || !payload || !signature || rest.length) throw new Invalid("it is no compact JWS");
    if ("b64" in Object(parseJson(decodeBase64Url(header)))) throw new Invalid("a compact JWS has its payload in base64url");
    const content = decodeBase64Url(payload);
    await this.verify(`${header}..${signature}`, content);
    return parseJson(content);
  }
}

/** A key pair and a nonce. Each data session has its own. */
class SessionKey {
  #pair = generateKeyPairSync("x25519");
  #nonce = randomBytes(32);

  keyMaterial() {
    const der = this.#pair.publicKey.export({ type: "spki", format: "der" });
    const expiry = new Date(Date.now() + DAY_MS).toISOString();
    return {
      cryptoAlg: "ECDH", curve: "Curve25519", params: "", Nonce: this.#nonce.toString("base64"),
      DHPublicKey: { expiry, Parameters: "", KeyValue: der.toString("base64") },
    };
  }

  /** Decrypts the document of an account with the key material of its FIP. */
  decrypt(material, encrypted) {
    try {
      const text = material.DHPublicKey.KeyValue;
      // PEM has its base64 between two labels.
      const der = Buffer.from(text.includes("-----") ? text.split("-----")[2] : text, "base64");
      const nonce = Buffer.from(material.Nonce, "base64");
      if (nonce.length !== this.#nonce.length) throw new Error("the nonce has another length");
      const mixed = this.#nonce.map((octet, index) => octet ^ nonce[index]);
      const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
      const shared = diffieHellman({ privateKey: this.#pair.privateKey, publicKey });
      const key = Buffer.from(hkdfSync("sha256", shared, mixed.subarray(0, 20), "", 32));
      const sealed = Buffer.from(encrypted, "base64");
      const decipher = createDecipheriv("aes-256-gcm", key, mixed.subarray(-12), { authTagLength: 16 });
      decipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString();
    } catch (error) {
      throw new Invalid(`the data does not decrypt: ${error.message}`);
    }
  }
}

/** The AA, as this FIU calls it: signed requests, verified answers, and repetition of what broke. */
class Aggregator {
  keys = new AaKeys();
  #key = createPrivateKey(readFileSync(KEY_FILE));
  #freeAt = 0;

  #sign(message) {
    const header = Buffer.from(JSON.stringify({ alg: "RS256", kid: KEY_ID, b64: false, crit: ["b64"] })).toString("base64url");
    return `${header}..${sign("RSA-SHA256", Buffer.from(`${header}.${message}`), this.#key).toString("base64url")}`;
  }

  /** Sends a message, and again if the AA fails. Returns an answer that may be believed. */
  async call(path, content, shape) {
    await this.keys.load();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const wait = this.#freeAt - performance.now();
      if (wait > WAIT_MAX_MS) throw new Unavailable(`the AA asked to wait for ${Math.round(wait / 1000)} s more`);
      if (wait > 0) await sleep(wait);
      try {
        return await this.#send(path, content, shape);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        console.log(`${path}: ${error.message}`);
        this.#wait(100 * 2 ** attempt);
        if (MAKING.includes(path) && !error.hasFailed) throw error;
      }
    }
    throw new Unavailable(`${path} has failed ${ATTEMPTS} times`);
  }

  /** Lets the calls that follow wait, unless they wait longer already. */
  #wait(ms) {
    this.#freeAt = Math.max(this.#freeAt, performance.now() + ms);
  }

  async #send(path, content, shape) {
    const message = { ver: "2.0.0", timestamp: new Date().toISOString(), txnid: randomUUID(), ...content };
    const body = JSON.stringify(message);
    const headers = { "content-type": "application/json", client_api_key: API_KEY, "x-jws-signature": this.#sign(body) };
    let response, answer;
    try {
      response = await fetch(AA_URL + path, {
        // The API key goes to no other address.
        method: "POST", body, headers, redirect: "manual", signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      answer = Buffer.from(await response.arrayBuffer());
    } catch (error) {
      throw new Unavailable(`no whole answer: ${error.cause?.message ?? error.message}`);
    }
    if (response.status === 429 || response.status >= 500) {
      const seconds = response.headers.get("retry-after") ?? "0";
      this.#wait(/^\d+$/.test(seconds) ? Math.min(Number(seconds), RETRY_AFTER_MAX_S) * 1000 : WAIT_MAX_MS);
      throw new Unavailable(`the AA answers ${response.status}`, { hasFailed: true });
    }
    if (!response.ok) throw new Refused(response.status, answer.toString());
    await this.keys.verify(response.headers.get("x-jws-signature"), answer).catch((error) => {
      throw error instanceof Unavailable ? new Invalid(error.message) : error;
    });
    const result = parseJson(answer);
    checkShape(result, shape);
    if (result.ver !== message.ver || result.txnid !== message.txnid) {
      throw new Invalid("it answers another message, or in another version");
    }
    if ("timestamp" in result) checkTime(result.timestamp);
    return result;
  }
}

/** A customer's application, and what this FIU has learned from the AA about it. */
class Application {
  status = "PENDING";
  sessionId = null;
  sessionKey = null;
  sessionStatus = null;
  sessions = 0;
  hasNewData = false;
  documents = new Map(); // XML by the reference of the account

  constructor(customer, handle) {
    this.customer = customer;
    this.handle = handle;
  }

  summarize() {
    const { handle, customer, status, documents } = this;
    const counts = [...documents.values()].map((xml) => xml.match(/<(\w+:)?Transaction[\s/>]/g)?.length ?? 0);
    return { handle, customer, status, accounts: documents.size, transactions: counts.reduce((sum, count) => sum + count, 0) };
  }
}

/** All applications. They are checked one after the other, so that no two calls about one application run at a time. */
class Fiu {
  aggregator = new Aggregator();
  applications = new Map();
  #seenTxnids = new Set();
  #earlyHandles = new Set();
  #work = Promise.resolve();

  /** Raises a consent for the deposits of a customer: once, for the data of a year. */
  async apply(customer) {
    const now = Date.now();
    const formatDay = (days) => new Date(now + days * DAY_MS).toISOString();
    const ConsentDetail = {
      consentStart: formatDay(0), consentExpiry: formatDay(364), consentMode: "STORE", fetchType: "PERIODIC",
      consentTypes: ["PROFILE", "SUMMARY", "TRANSACTIONS"], fiTypes: ["DEPOSIT"],
      DataConsumer: { id: FIU_ID, type: "FIU" }, Customer: { id: customer },
      Purpose: {
        code: "101", refUri: "https://api.rebit.org.in/aa/purpose/101.xml", text: "Wealth management service",
        Category: { type: "Personal Finance" },
      },
      FIDataRange: { from: formatDay(-365), to: formatDay(0) },
      DataLife: { unit: "MONTH", value: 1 }, Frequency: { unit: "DAY", value: 1 },
    };
    const { ConsentHandle: handle } = await this.aggregator.call("/Consent", { ConsentDetail }, CREATED).catch((error) => {
      throw error instanceof Invalid ? new Unavailable(`the AA's answer is not valid: ${error.message}`) : error;
    });
    const application = new Application(customer, handle);
    this.applications.set(handle, application);
    if (this.#earlyHandles.delete(handle)) this.#enqueue(application);
    return application;
  }

  /** Verifies a webhook, and notes what is to be checked. Returns the message. */
  async receive(path, headers, body) {
    await this.aggregator.keys.verify(headers["x-jws-signature"], body);
    const message = parseJson(body);
    checkShape(message, NOTIFICATIONS[path]);
    const token = await this.aggregator.keys.open(headers.aa_api_key);
    checkShape(token, { azp: "string", exp: "number" }, "aa_api_key");
    if (token.azp !== AA_ID || message.Notifier.id !== AA_ID || token.exp < Date.now() / 1000) {
      throw new Invalid(`it is not from ${AA_ID}`);
    }
    checkTime(message.timestamp);
    // A repetition has the txnid of the first, whatever the id of its delivery.
    if (this.#seenTxnids.has(message.txnid)) return message;
    this.#seenTxnids.add(message.txnid);
    let application;
    if (NOTIFICATIONS[path] === FI_STATUS) {
      const { sessionId, sessionStatus } = message.FIStatusNotification;
      application = [...this.applications.values()].find((it) => it.sessionId === sessionId);
      if (application) {
        application.hasNewData = true;
        if (SESSION_ENDED.includes(sessionStatus)) application.sessionStatus = sessionStatus;
      }
    } else {
      const { consentHandle } = message.ConsentStatusNotification;
      application = this.applications.get(consentHandle);
      // It can come before the answer that names the handle.
      if (!application) this.#earlyHandles.add(consentHandle);
    }
    if (application) this.#enqueue(application);
    return message;
  }

  #enqueue(application) {
    this.#work = this.#work.then(() => this.#check(application)).catch((error) => {
      console.log(`application ${application.handle}: ${error.message}; it will be checked again`);
    });
  }

  /** Checks what is open, and so finds what a lost webhook would have said. */
  async checkAll() {
    for (const application of this.applications.values()) {
      if (!ENDED.includes(application.status)) this.#enqueue(application);
    }
    await this.#work;
  }

  /** Asks the AA for the state of a consent, and takes the steps that it allows. */
  async #check(application) {
    const { aggregator } = this;
    const answer = await aggregator.call("/Consent/handle", { ConsentHandle: application.handle }, CONSENT_STATUS);
    if (answer.ConsentHandle !== application.handle) throw new Invalid("it is the status of another consent");
    const { id, status } = answer.ConsentStatus;
    application.status = status;
    if (ENDED.includes(status) || !id) return;
    const artefact = await aggregator.call("/Consent/fetch", { consentId: id }, ARTEFACT);
    if (artefact.consentId !== id) throw new Invalid("it is the artefact of another consent");
    application.status = artefact.status;
    // What the customer has signed counts, not what surrounds it.
    const consent = await aggregator.keys.open(artefact.signedConsent);
    checkShape(consent, SIGNED_CONSENT, "signedConsent");
    if (consent.Customer.id !== application.customer || consent.DataConsumer.id !== FIU_ID) {
      throw new Invalid("it is signed for another customer or FIU");
    }
    if (application.status !== "ACTIVE") return;
    if (!application.sessionId && application.sessions < SESSIONS_MAX) {
      const sessionKey = new SessionKey();
      const session = await aggregator.call("/FI/request", {
        FIDataRange: consent.FIDataRange, KeyMaterial: sessionKey.keyMaterial(),
        Consent: { id, digitalSignature: artefact.signedConsent.split(".")[2] },
      }, SESSION);
      if (session.consentId !== id) throw new Invalid("it is the session of another consent");
      Object.assign(application, { sessionId: session.sessionId, sessionKey, sessionStatus: "ACTIVE" });
      application.sessions += 1;
    } else if (application.sessionId
      && (application.hasNewData || (application.sessionStatus === "ACTIVE" && !application.documents.size))) {
      await this.#fetch(application);
      // The banks get another chance at the next check.
      if (application.sessionStatus === "FAILED" && !application.documents.size) application.sessionId = null;
    }
  }

  /** Fetches the data that is there, and decrypts it. */
  async #fetch(application) {
    application.hasNewData = false;
    const documents = [];
    try {
      const fetched = await this.aggregator.call("/FI/fetch", { sessionId: application.sessionId }, FETCHED);
      for (const { KeyMaterial, data } of fetched.FI) {
        for (const { linkRefNumber, encryptedFI } of data) {
          documents.push([linkRefNumber, application.sessionKey.decrypt(KeyMaterial, encryptedFI)]);
        }
      }
    } catch (error) {
      // 404: there is no data yet, or the banks gave none.
      if (error instanceof Refused && error.status === 404) return;
      application.hasNewData = !(error instanceof Refused);
      throw error;
    }
    for (const [linkRefNumber, document] of documents) application.documents.set(linkRefNumber, document);
  }
}

class TooLarge extends Error {}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    // The rest is read, since a sender that is cut off while it writes does not see the answer; but not without end.
    if (size > 10 * WEBHOOK_BYTES_MAX) break;
    if (size <= WEBHOOK_BYTES_MAX) chunks.push(chunk);
  }
  if (size > WEBHOOK_BYTES_MAX) throw new TooLarge(`more than ${WEBHOOK_BYTES_MAX} bytes`);
  return Buffer.concat(chunks);
}

/**
 * Returns the status and the content of an answer. The AA calls the notifications. `/applications` is the lender's own: a real one has a
 * log-in, and is not reachable from where the webhooks come.
 */
async function answer(fiu, { method, url: path, headers }, body) {
  const summaries = () => [...fiu.applications.values()].map((application) => application.summarize());
  if (method === "POST" && path in NOTIFICATIONS) {
    const { ver, timestamp, txnid } = await fiu.receive(path, headers, body);
    return [200, { ver, timestamp, txnid, response: "OK" }];
  }
  if (method === "GET" && path === "/applications") return [200, summaries()];
  if (method === "POST" && path === "/applications") {
    const request = parseJson(body);
    checkShape(request, { customer: "string" });
    return [201, (await fiu.apply(request.customer)).summarize()];
  }
  if (method === "POST" && path === "/applications/check") {
    await fiu.checkAll();
    return [200, summaries()];
  }
  return [404, { error: `${path} is not known` }];
}

/** Returns the status that an error gives the answer. */
function statusOf(error, path) {
  if (error instanceof TooLarge) return 413;
  if (error instanceof Invalid) return path in NOTIFICATIONS ? 401 : 400;
  if (error instanceof Refused || error instanceof Unavailable) return 502;
  return 500;
}

const fiu = new Fiu();

/** Finds what a lost webhook would have said. */
async function checkRegularly() {
  for (;;) {
    await sleep(Number(CHECK_SECONDS) * 1000);
    await fiu.checkAll();
  }
}

checkRegularly();
const server = createServer({ keepAliveTimeout: CALL_TIMEOUT_MS }, async (request, response) => {
  let status, content;
  try {
    [status, content] = await answer(fiu, request, await readBody(request));
  } catch (error) {
    if (error.code === "ECONNRESET") return; // the sender has gone
    [status, content] = [statusOf(error, request.url), { error: error.message }];
    console.log(`${JSON.stringify(request.url)} is answered with ${status}: ${error.message}`);
  }
  const headers = { "content-type": "application/json", ...(status === 413 && { connection: "close" }) };
  response.writeHead(status, headers).end(JSON.stringify(content));
});
server.listen({ host: HOST, port: Number(PORT), backlog: 256 }, () => {
  console.log(`listening on ${HOST}:${server.address().port}`);
});
