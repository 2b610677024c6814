/**
 * Signatures and encryption of ReBIT's AA APIs, made of `node:crypto`.
 * `docs/crypto.md` of mockaa explains each step with numbers.
 */

import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from "node:crypto";

/** A signature that is not valid; the message says why. */
export class SignatureError extends Error {
  override name = "SignatureError";
}

/** A signature by a key that is not in the set: the AA may have a new one. */
export class UnknownKeyError extends SignatureError {
  override name = "UnknownKeyError";
}

/** Public keys by their `kid`. */
export type KeySet = ReadonlyMap<string, KeyObject>;

/** A set of keys (RFC 7517). */
export interface Jwks {
  keys: readonly (JsonWebKey & { kid?: string })[];
}

/** Returns the RSA keys of a JWK set by their `kid`. */
export function readJwks(jwks: Jwks): KeySet {
  const keys = jwks.keys.filter((jwk) => jwk.kty === "RSA" && jwk.kid !== undefined);
  return new Map(keys.map((jwk) => [jwk.kid as string, createPublicKey({ key: jwk, format: "jwk" })]));
}

/** An RSA key with which an FIU signs. */
export class SigningKey {
  readonly #key: KeyObject;

  constructor(
    readonly kid: string,
    key?: KeyObject,
  ) {
    this.#key = key ?? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  }

  /** Returns the public key as a JWK, for the registry or for mockaa. */
  publicJwk(): Record<string, string> {
    const { n, e } = createPublicKey(this.#key).export({ format: "jwk" });
    return { kty: "RSA", use: "sig", alg: "RS256", kid: this.kid, n: String(n), e: String(e) };
  }

  /** Returns a detached JWS, `header..signature`, over the bytes as they are sent (RFC 7797, b64=false). */
  sign(message: string | Uint8Array): string {
    const fields = { alg: "RS256", kid: this.kid, b64: false, crit: ["b64"] };
    const header = Buffer.from(JSON.stringify(fields)).toString("base64url");
    const input = Buffer.concat([Buffer.from(`${header}.`), Buffer.from(message)]);
    return `${header}..${signBytes("sha256", input, this.#key).toString("base64url")}`;
  }
}

/** Verifies a detached JWS over the received bytes. Throws a `SignatureError`. */
export function verify(jws: string | undefined | null, message: Uint8Array, keys: KeySet): void {
  if (!jws) throw new SignatureError("the header x-jws-signature is missing");
  const [encoded, payload, signature, ...rest] = jws.split(".");
  if (encoded === undefined || payload !== "" || signature === undefined || rest.length > 0) {
    throw new SignatureError("x-jws-signature is not a detached JWS, which has the form header..signature");
  }
  let header: Record<string, unknown> | null;
  try {
    header = JSON.parse(Buffer.from(encoded, "base64url").toString());
  } catch {
    throw new SignatureError("the header of x-jws-signature is not base64url of JSON");
  }
  // The sender does not choose the algorithm (RFC 8725, section 3.1).
  if (header?.["alg"] !== "RS256") throw new SignatureError(`the algorithm is not RS256: ${JSON.stringify(header)}`);
  if ("crit" in header && JSON.stringify(header["crit"]) !== '["b64"]') {
    throw new SignatureError(`unknown critical fields: ${JSON.stringify(header["crit"])}`);
  }
  const kid = header["kid"];
  const key = typeof kid === "string" ? keys.get(kid) : undefined;
  if (!key) throw new UnknownKeyError(`no key has the kid ${JSON.stringify(kid)}`);
  if (!/^[\w-]+$/.test(signature)) throw new SignatureError("the signature is not base64url");
  const body = header["b64"] === false ? Buffer.from(message) : Buffer.from(Buffer.from(message).toString("base64url"));
  const input = Buffer.concat([Buffer.from(`${encoded}.`), body]);
  if (!verifyBytes("sha256", input, key, Buffer.from(signature, "base64url"))) {
    throw new SignatureError("the signature does not match the body and the key");
  }
}

/** Verifies a compact JWS, such as `signedConsent`, and returns its content. Throws a `SignatureError`. */
export function openCompact<T = unknown>(jws: string, keys: KeySet): T {
  const [header = "", payload = "", signature] = jws.split(".");
  const content = Buffer.from(payload, "base64url");
  // Node ignores a character too many, and the signature covers what is left.
  if (content.toString("base64url") !== payload) throw new SignatureError("the payload is not base64url");
  // What was signed without base64url is no signature over this text.
  if (Buffer.from(header, "base64url").toString().includes('"b64"')) {
    throw new SignatureError("a compact JWS has its payload in base64url; its header says b64");
  }
  verify(`${header}..${signature}`, content, keys);
  return JSON.parse(content.toString()) as T;
}

/** The public half of a key exchange, as ReBIT writes it. */
export interface KeyMaterial {
  cryptoAlg: string;
  curve: string;
  params?: string;
  DHPublicKey: { expiry: string; Parameters?: string; KeyValue: string };
  Nonce: string;
}

/** A key pair on X25519 and a nonce, for one data session. They are never used again. */
export class SessionKey {
  readonly #private: KeyObject;
  readonly #nonce: Buffer;

  constructor(privateKey?: KeyObject, nonce?: Uint8Array) {
    this.#private = privateKey ?? generateKeyPairSync("x25519").privateKey;
    this.#nonce = Buffer.from(nonce ?? randomBytes(32));
  }

  /** Returns the key pair of 32 bytes (RFC 7748). */
  static fromBytes(privateKey: Uint8Array, nonce: Uint8Array): SessionKey {
    // PKCS#8 of an X25519 key (RFC 8410) up to its 32 bytes.
    const prefix = Buffer.from("302e020100300506032b656e04220420", "hex");
    const der = Buffer.concat([prefix, privateKey]);
    return new SessionKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }), nonce);
  }

  /** Returns `KeyMaterial`. `expiry` is a timestamp. */
  keyMaterial(expiry: string): KeyMaterial {
    const der = createPublicKey(this.#private).export({ format: "der", type: "spki" });
    const DHPublicKey = { expiry, Parameters: "", KeyValue: der.toString("base64") };
    const Nonce = this.#nonce.toString("base64");
    return { cryptoAlg: "ECDH", curve: "Curve25519", params: "", DHPublicKey, Nonce };
  }

  /** Decrypts `encryptedFI` with the `KeyMaterial` that came beside it. */
  decrypt(material: Pick<KeyMaterial, "Nonce"> & { DHPublicKey: { KeyValue: string } }, encrypted: string): string {
    const parts = material.DHPublicKey.KeyValue.split("-----");
    // PEM has its base64 between two labels; without labels all of it is base64.
    const der = Buffer.from(parts[2] ?? parts[0] ?? "", "base64");
    const publicKey = readX25519(der);
    const theirs = Buffer.from(material.Nonce, "base64");
    if (theirs.length !== 32) throw new Error(`the nonce has ${theirs.length} bytes, not 32`);
    const mixed = Buffer.from(this.#nonce.map((byte, at) => byte ^ (theirs[at] as number)));
    const shared = diffieHellman({ privateKey: this.#private, publicKey });
    const key = Buffer.from(hkdfSync("sha256", shared, mixed.subarray(0, 20), Buffer.alloc(0), 32));
    const data = Buffer.from(encrypted, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, mixed.subarray(-12), { authTagLength: 16 });
    try {
      decipher.setAuthTag(data.subarray(-16));
      return Buffer.concat([decipher.update(data.subarray(0, -16)), decipher.final()]).toString();
    } catch {
      throw new Error("the data does not decrypt: a key or a nonce is not the one of this session");
    }
  }
}

function readX25519(der: Buffer): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    // A form of the key that Node does not know.
  }
  if (key?.asymmetricKeyType !== "x25519") {
    throw new Error("the other side's key is not on X25519; both sides use the same form of Curve25519");
  }
  return key;
}
