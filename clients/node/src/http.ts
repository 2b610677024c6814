/** An answer with an error status. The message has the status and what the answer says. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    request: string,
    readonly text: string,
  ) {
    super(`${request} was answered with ${status}: ${text}`);
  }

  /** The answer as JSON. */
  get body(): unknown {
    return JSON.parse(this.text);
  }
}

/** An answer: its headers and its bytes. */
export interface Answer {
  headers: Headers;
  body: Buffer;
}

/** Sends a request. Throws an `ApiError`. */
export async function send(method: string, url: string, body: string | undefined, headers: Record<string, string>): Promise<Answer> {
  // An advance of the clock goes on as long as its timers run.
  const request: RequestInit = { method, headers, signal: AbortSignal.timeout(330_000) };
  if (body !== undefined) request.body = body;
  const answer = await fetch(url, request);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) throw new ApiError(answer.status, `${method} ${url}`, bytes.toString());
  return { headers: answer.headers, body: bytes };
}

/** Sends JSON, or a text as it is; returns the JSON of the answer. Throws an `ApiError`. */
export async function call<T = unknown>(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const type = typeof body === "string" ? "application/yaml" : "application/json";
  const sent = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const answer = await send(method, url, sent, sent === undefined ? headers : { "content-type": type, ...headers });
  return (answer.body.length > 0 ? JSON.parse(answer.body.toString()) : undefined) as T;
}
