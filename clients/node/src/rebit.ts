import { randomUUID } from "node:crypto";
import { XMLParser } from "fast-xml-parser";
import { type KeyMaterial, type KeySet, openCompact, SessionKey, SignatureError, type SigningKey, verify } from "./crypto";
import { send } from "./http";
import { isCurrent } from "./timestamps";
import type { World } from "./world";

const PARSER = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "",
  removeNSPrefix: true,
  parseAttributeValue: false,
  // Line breaks in narrations are numbered entities.
  htmlEntities: true,
  // Elements that may occur several times, whatever their number in a document.
  isArray: (name) => ["Transaction", "Holder", "Holding", "Nominee"].includes(name),
});

/** The data of one account, decrypted. */
export class Account {
  constructor(
    readonly fipId: string,
    readonly linkNumber: string,
    readonly maskedNumber: string,
    /** The document of the account, by the FI schemas of ReBIT. */
    readonly xml: string,
  ) {}

  /** Returns the document as an object: attributes by name, elements as objects. */
  toObject(): Record<string, unknown> {
    return (PARSER.parse(this.xml) as { Account: Record<string, unknown> }).Account;
  }

  /** The transactions; amounts and dates are texts, as in the document. */
  get transactions(): Record<string, string>[] {
    const { Transactions } = this.toObject() as { Transactions?: { Transaction?: Record<string, string>[] } };
    return Transactions?.Transaction ?? [];
  }
}

/** A signed consent: what the customer has agreed to. */
export interface Artefact {
  consentId: string;
  /** `ConsentDetail`, from the signed bytes. */
  detail: Record<string, unknown> & { FIDataRange: { from: string; to: string } };
  signature: string;
  status: string;
}

/** An FIU in a world, with a signing key of its own that the world knows. */
export class Fiu {
  private constructor(
    readonly world: World,
    readonly id: string,
    readonly apiKey: string,
    private readonly key: SigningKey,
    private readonly aaKeys: KeySet,
  ) {}

  /** Registers the key in the world. */
  static async register(world: World, key: SigningKey, aaKeys: KeySet, id = "FIU-1"): Promise<Fiu> {
    const path = `config/fiu/${id}`;
    type Known = { apiKey: string; publicKeys: { kid?: string }[] };
    const { apiKey, publicKeys } = await world.control<Known>("GET", path);
    // The keys of the FIU under test, which may be the same one, stay valid.
    const others = publicKeys.filter((jwk) => jwk.kid !== key.kid);
    await world.control("PUT", path, { publicKeys: [...others, key.publicJwk()] });
    return new Fiu(world, id, apiKey, key, aaKeys);
  }

  /**
   * Signs and sends a message, such as `/Consent`; adds `ver`, `timestamp` and `txnid`.
   * Verifies the signature of the answer. Throws an `ApiError` for an error of the AA.
   */
  async post<T = Record<string, unknown>>(path: string, content: object): Promise<T> {
    const message = { ver: "2.0.0", timestamp: await this.world.now(), txnid: randomUUID(), ...content };
    const body = JSON.stringify(message);
    const answer = await send("POST", this.world.baseUrl + path, body, {
      "content-type": "application/json",
      client_api_key: this.apiKey,
      "x-jws-signature": this.key.sign(body),
    });
    verify(answer.headers.get("x-jws-signature"), answer.body, this.aaKeys);
    const result = JSON.parse(answer.body.toString()) as { txnid?: string; timestamp?: unknown };
    if (result.txnid !== message.txnid) {
      throw new SignatureError(`the answer to ${path} has the txnid of another message, ${result.txnid}`);
    }
    // An artefact has no timestamp of its own.
    if ("timestamp" in result && !isCurrent(result.timestamp, await this.world.now())) {
      throw new SignatureError(`the answer to ${path} is of ${result.timestamp}, no date-time within 15 minutes`);
    }
    return result as T;
  }

  /**
   * Raises a consent for a mobile number or an address of an AA; returns its handle.
   * It is for twelve months of deposits. `changes` replace fields of `ConsentDetail`, such as `fiTypes`.
   */
  async raiseConsent(customer = "9876543210", changes: Record<string, unknown> = {}): Promise<string> {
    const now = Date.parse(await this.world.now());
    const after = (days: number) => new Date(now + days * 86_400_000).toISOString();
    // Within fair use for the purpose 101: once a day, for a year, with the data of a year.
    const detail = {
      consentStart: after(0),
      consentExpiry: after(364),
      consentMode: "STORE",
      fetchType: "PERIODIC",
      consentTypes: ["PROFILE", "SUMMARY", "TRANSACTIONS"],
      fiTypes: ["DEPOSIT"],
      DataConsumer: { id: this.id, type: "FIU" },
      Customer: { id: customer.includes("@") ? customer : `${customer}@mockaa` },
      Purpose: {
        code: "101",
        refUri: "https://api.rebit.org.in/aa/purpose/101.xml",
        text: "Wealth management service",
        Category: { type: "Personal Finance" },
      },
      FIDataRange: { from: after(-365), to: after(0) },
      DataLife: { unit: "MONTH", value: 1 },
      Frequency: { unit: "DAY", value: 1 },
      ...changes,
    };
    return (await this.post<{ ConsentHandle: string }>("/Consent", { ConsentDetail: detail })).ConsentHandle;
  }

  /** Returns `ConsentStatus`: the status, and the `id` of the consent once it is approved. */
  async consentStatus(handle: string): Promise<{ status: string; id?: string }> {
    type Answer = { ConsentStatus: { status: string; id?: string } };
    return (await this.post<Answer>("/Consent/handle", { ConsentHandle: handle })).ConsentStatus;
  }

  /** Fetches the signed consent, and verifies its signature. */
  async artefact(handle: string): Promise<Artefact> {
    const { status, id } = await this.consentStatus(handle);
    if (!id) throw new Error(`the consent ${handle} is ${status}, and has no artefact yet`);
    const answer = await this.post<{ signedConsent: string; status: string }>("/Consent/fetch", { consentId: id });
    const detail = openCompact<Artefact["detail"]>(answer.signedConsent, this.aaKeys);
    const signature = answer.signedConsent.slice(answer.signedConsent.lastIndexOf(".") + 1);
    return { consentId: id, detail, signature, status: answer.status };
  }

  /** Requests the data of a consent, by default of its whole range; returns the id of the session. */
  async requestData(handle: string, key: SessionKey, range: { from?: string; to?: string } = {}): Promise<string> {
    const { consentId, detail, signature } = await this.artefact(handle);
    const expiry = new Date(Date.parse(await this.world.now()) + 3_600_000).toISOString();
    const answer = await this.post<{ sessionId: string }>("/FI/request", {
      FIDataRange: { ...detail.FIDataRange, ...range },
      Consent: { id: consentId, digitalSignature: signature },
      KeyMaterial: key.keyMaterial(expiry),
    });
    return answer.sessionId;
  }

  /** Fetches the data of a session, and decrypts it. */
  async fetchSession(sessionId: string, key: SessionKey): Promise<Account[]> {
    type Item = { linkRefNumber: string; maskedAccNumber: string; encryptedFI: string };
    type Answer = { FI: { fipID: string; data: Item[]; KeyMaterial: KeyMaterial }[] };
    const answer = await this.post<Answer>("/FI/fetch", { sessionId });
    return answer.FI.flatMap(({ fipID, data, KeyMaterial }) =>
      data.map((it) => new Account(fipID, it.linkRefNumber, it.maskedAccNumber, key.decrypt(KeyMaterial, it.encryptedFI))),
    );
  }

  /** Requests and fetches the data of a consent. The banks of the sandbox have answered when they are asked. */
  async fetchData(handle: string, range: { from?: string; to?: string } = {}): Promise<Account[]> {
    const key = new SessionKey();
    return this.fetchSession(await this.requestData(handle, key, range), key);
  }
}
