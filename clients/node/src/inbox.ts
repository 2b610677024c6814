import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type KeySet, SignatureError, verify } from "./crypto";

/** A webhook as it was received. */
export class Webhook {
  constructor(
    readonly path: string,
    /** Names are in lower case. */
    readonly headers: IncomingHttpHeaders,
    readonly body: Buffer,
    /** Why its signature is not valid; `undefined` if it is. */
    readonly problem: string | undefined,
  ) {}

  /** Whether it is signed by a key of the AA over these bytes. */
  get isValid(): boolean {
    return this.problem === undefined;
  }

  /** The body as JSON, by default of any shape; `components["schemas"]` has the types. */
  json<T = Record<string, unknown>>(): T {
    return JSON.parse(this.body.toString()) as T;
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
  /** The longest wait in milliseconds; default: 10,000. */
  timeout?: number;
}

/** A server that receives webhooks, and accepts those that are valid, as ReBIT describes. */
export class Inbox {
  /** All webhooks, in the order of their arrival. */
  readonly received: Webhook[] = [];
  /** Chooses the status of the answer, in place of 200 for valid webhooks and 401 for others. */
  answer: ((webhook: Webhook) => number) | undefined;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #url = "";

  private constructor(keys: KeySet) {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const body = Buffer.concat(parts);
        const status = this.#receive(new Webhook(request.url ?? "", request.headers, body, findProblem(request.headers, body, keys)));
        response.writeHead(status, { "content-type": "application/json" }).end(acknowledge(body, status));
      });
    });
    // It does not keep the process alive.
    this.#server.unref();
  }

  /** Starts a server on a free port, which verifies with these keys. */
  static async start(keys: KeySet): Promise<Inbox> {
    const inbox = new Inbox(keys);
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
    return this.answer?.(webhook) ?? (webhook.isValid ? 200 : 401);
  }

  /** Waits for a webhook, and returns it. Throws an error that lists what has arrived. */
  async wait({ status, path, valid = true, count = 1, timeout = 10_000 }: WebhookFilter = {}): Promise<Webhook> {
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

function findProblem(headers: IncomingHttpHeaders, body: Buffer, keys: KeySet): string | undefined {
  const jws = headers["x-jws-signature"];
  try {
    verify(Array.isArray(jws) ? jws[0] : jws, body, keys);
    return undefined;
  } catch (error) {
    if (error instanceof SignatureError) return error.message;
    throw error;
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
