import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type KeySet, openCompact, SignatureError, UnknownKeyError, verify } from "./crypto";
import { isCurrent } from "./timestamps";

/** A webhook as it was received. */
export class Webhook {
  constructor(
    readonly path: string,
    /** Names are in lower case. */
    readonly headers: IncomingHttpHeaders,
    readonly body: Buffer,
    /** Why it is not valid: its signature, its `aa_api_key` or its age; `undefined` if it is. */
    readonly problem: string | undefined,
  ) {}

  /** Whether an FIU accepts it: it is signed by a key of the AA over these bytes, by this AA, and not too old. */
  get isValid(): boolean {
    return this.problem === undefined;
  }

  /** The body as JSON, by default of any shape; `components["schemas"]` has the types. */
  json<T = Record<string, unknown>>(): T {
    return parseJson(this.headers, this.body) as T;
  }

  /** The status of the consent or of the session that it reports, such as ACTIVE. */
  get status(): string | undefined {
    const message = this.#read();
    return message.ConsentStatusNotification?.consentStatus ?? message.FIStatusNotification?.sessionStatus;
  }

  /** The handle of its consent, where it names one. */
  get consentHandle(): string | undefined {
    return this.#read().ConsentStatusNotification?.consentHandle;
  }

  #read(): Message {
    try {
      return (this.json<Message | null>()) ?? {};
    } catch {
      // A scenario may send anything.
      return {};
    }
  }
}

/** Parses a body in the charset that its `content-type` names; default: UTF-8. */
function parseJson(headers: IncomingHttpHeaders, body: Buffer): unknown {
  const charset = /charset="?([\w-]+)/i.exec(headers["content-type"] ?? "")?.[1];
  return JSON.parse(new TextDecoder(charset).decode(body));
}

interface Message {
  ConsentStatusNotification?: { consentStatus?: string; consentHandle?: string };
  FIStatusNotification?: { sessionStatus?: string };
}

/** The webhooks for which a test waits. */
export interface WebhookFilter {
  /** Such as ACTIVE. */
  status?: string;
  /** Such as /FI/Notification. */
  path?: string;
  /** `true` (default): with a valid signature; `false`: with an invalid one; `"any"`: either. */
  valid?: boolean | "any";
  /** The number of webhooks; the last of them is returned. Default: 1. */
  count?: number;
  /** The longest wait in milliseconds; default: 3,000, less than the time of a test. */
  timeout?: number;
}

/** What an inbox asks about the AA. */
export interface WebhookSource {
  /** Reads the keys of the AA. */
  readKeys(): Promise<KeySet>;
  /** Reads the time of its messages. */
  readTime(): Promise<string>;
}

/** A server that receives webhooks, and accepts those that are valid, as ReBIT describes. */
export class Inbox {
  /** All webhooks, in the order of their arrival. */
  readonly received: Webhook[] = [];
  /** Chooses the status of the answer, in place of 200 for valid webhooks and 401 for others. */
  answer: ((webhook: Webhook) => number) | undefined;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  /** The readings of the keys, by the name of the key that was unknown. */
  readonly #readings = new Map<string, Promise<void>>();
  #url = "";

  private constructor(
    private keys: KeySet,
    private readonly source: WebhookSource,
  ) {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", async () => {
        const body = Buffer.concat(parts);
        const problem = await this.#findProblem(request.headers, body).catch((error) => String(error));
        const status = this.#receive(new Webhook(request.url ?? "", request.headers, body, problem));
        response.writeHead(status, { "content-type": "application/json" }).end(acknowledge(body, status));
      });
    });
    // It does not keep the process alive.
    this.#server.unref();
  }

  /** Starts a server on a free port. */
  static async start(source: WebhookSource): Promise<Inbox> {
    const inbox = new Inbox(await source.readKeys(), source);
    inbox.#server.listen(0, "127.0.0.1");
    await once(inbox.#server, "listening");
    inbox.#url = `http://127.0.0.1:${(inbox.#server.address() as AddressInfo).port}`;
    return inbox;
  }

  /** The address of the server. */
  get url(): string {
    return this.#url;
  }

  #receive(webhook: Webhook): number {
    this.received.push(webhook);
    for (const wake of this.#waiting) wake();
    try {
      return this.answer?.(webhook) ?? (webhook.isValid ? 200 : 401);
    } catch (error) {
      console.error(error);
      return 500;
    }
  }

  async #findProblem(headers: IncomingHttpHeaders, body: Buffer): Promise<string | undefined> {
    try {
      return await this.#check(headers, body);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      if (!(error instanceof UnknownKeyError)) return error.message;
      // The AA may have a new key. The set is read once for each name of a key, and others wait for it.
      const reading = this.#readings.get(error.message) ?? this.#readKeys();
      this.#readings.set(error.message, reading);
      await reading;
    }
    try {
      return await this.#check(headers, body);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return error.message;
    }
  }

  async #readKeys(): Promise<void> {
    this.keys = await this.source.readKeys();
  }

  async #check(headers: IncomingHttpHeaders, body: Buffer): Promise<string | undefined> {
    verify(String(headers["x-jws-signature"] ?? ""), body, this.keys);
    let message: { Notifier?: { id?: unknown }; timestamp?: unknown };
    try {
      message = Object(parseJson(headers, body));
    } catch {
      return undefined;
    }
    // What is signed is not older than its signature.
    if (!("ConsentStatusNotification" in message || "FIStatusNotification" in message)) return undefined;
    const sender = message.Notifier?.id;
    if (typeof sender !== "string") return "Notifier has no id";
    const token = String(headers["aa_api_key"] ?? "");
    if (token === "") return "the header aa_api_key is missing";
    if (token.split(".").length === 3) {
      // The AA's token names it. An API key is agreed, and cannot be verified here.
      try {
        const { azp } = openCompact<{ azp?: string }>(token, this.keys);
        if (azp !== sender) return `aa_api_key is a token of ${azp}, and the message is from ${sender}`;
      } catch (error) {
        if (error instanceof UnknownKeyError || !(error instanceof SignatureError)) throw error;
        return `aa_api_key is no valid token: ${error.message}`;
      }
    }
    const isDated = isCurrent(message.timestamp, await this.source.readTime());
    return isDated ? undefined : `the message is of ${message.timestamp}, no date-time within 15 minutes`;
  }

  /** Waits for a webhook, and returns it. Throws an error that lists what has arrived. */
  async wait({ status, path, valid = true, count = 1, timeout = 3_000 }: WebhookFilter = {}): Promise<Webhook> {
    const find = () =>
      this.received.filter(
        (it) =>
          (valid === "any" || it.isValid === valid) &&
          (path === undefined || it.path === path) &&
          (status === undefined || it.status === status),
      )[count - 1];
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#waiting.delete(look);
        clearTimeout(timer);
      };
      const look = () => {
        const found = find();
        if (found) {
          stop();
          resolve(found);
        }
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`no such webhook within ${timeout} ms; received: ${this.describe()}`));
      }, timeout);
      this.#waiting.add(look);
      look();
    });
  }

  /** Returns a line for each webhook. */
  describe(): string {
    const lines = this.received.map((it) => `\n  ${it.path} ${it.status ?? ""}${it.problem ? ` (invalid: ${it.problem})` : ""}`);
    return lines.join("") || "nothing";
  }

  /** Stops the server. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Returns ReBIT's NotificationResponse where the body is a message of ReBIT, else an empty object. */
function acknowledge(body: Buffer, status: number): string {
  try {
    const { ver, timestamp, txnid } = JSON.parse(body.toString()) as Record<string, unknown>;
    return JSON.stringify({ ver, timestamp, txnid, response: status < 300 ? "OK" : "ERROR" });
  } catch {
    return "{}";
  }
}
