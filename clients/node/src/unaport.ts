import { call } from "./http";
import type { World } from "./world";

/** A backend that is logged in at Unaport. Unaport signs, encrypts and decrypts in its place. */
export class UnaportFiu {
  #template: string | undefined;

  private constructor(
    readonly world: World,
    readonly orgId: string,
    private readonly headers: Record<string, string>,
  ) {}

  /** Logs in; any e-mail address will do. */
  static async logIn(world: World, emailId = "dev@lender.example"): Promise<UnaportFiu> {
    const common = `${world.baseUrl}/api/v1`;
    const login = await call<{ access_token: string }>("POST", `${common}/public/user/login`, { emailId, password: "any-password" });
    const headers = { authorization: `Bearer ${login.access_token}` };
    const { orgId } = await call<{ orgId: string }>("GET", `${common}/FIU/getClientOrganisation`, undefined, headers);
    return new UnaportFiu(world, orgId, headers);
  }

  /** Calls a path below the application's URL, such as `GetConsent/…`. */
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return call<T>(method, `${this.world.baseUrl}/backend-v2/api/v2/FIU/${path}`, body, this.headers);
  }

  /** Saves a template of consents, for twelve months of deposits; returns its id. `changes` replace its fields. */
  async saveTemplate(changes: Record<string, unknown> = {}): Promise<string> {
    const ConsentDetail = {
      consentStart: await this.world.now(),
      consentExpiry: "12",
      consentMode: "STORE",
      fetchType: "ONETIME",
      consentTypes: ["PROFILE", "SUMMARY", "TRANSACTIONS"],
      fiTypes: ["DEPOSIT"],
      DataConsumer: { id: "UNACORES-FIU-UAT" },
      Purpose: { code: "101" },
      FIDataRange: { from: "-12", to: "0" },
      DataLife: { unit: "YEAR", value: 1 },
      Frequency: { unit: "MONTH", value: 1 },
      ...changes,
    };
    const content = { product_name: "Twelve months of deposits", ConsentDetail };
    return (await this.call<{ productId: string }>("POST", `InsertProduct/${this.orgId}`, content)).productId;
  }

  /** Raises a consent for a mobile number; returns the answer with `ConsentHandle` and `redirectUrl`. */
  async raiseConsent(
    mobileNumber = "9876543210",
    changes: Record<string, unknown> = {},
  ): Promise<{ ConsentHandle: string; redirectUrl: string }> {
    this.#template ??= await this.saveTemplate();
    return this.call("POST", `Consents/product/${this.orgId}`, {
      vuaId: "",
      mobileNumber,
      createdBy: "dev@lender.example",
      trackingId: "LOAN-4711",
      aaId: "UNACORES-AA-UAT",
      fiuId: "UNACORES-FIU-UAT",
      fiuBaseUrl: "https://lender.example",
      redirectUrl: "https://lender.example/back",
      productId: this.#template,
      ...changes,
    });
  }

  /** Returns the consent as Unaport shows it. */
  consent(handle: string): Promise<Record<string, unknown>> {
    return this.call("GET", `GetConsent/${handle}`);
  }

  /** Returns the data of the newest session of a consent, which Unaport has requested by itself. */
  async fetchData(handle: string): Promise<Record<string, unknown>> {
    type Notifications = { data: { FIStatusNotification: { sessionId: string } }[] };
    const { data } = await this.call<Notifications>("GET", `FINotification/${handle}`);
    const newest = data.at(-1);
    if (!newest) throw new Error(`no data of the consent ${handle} has been announced; wait for /FI/Notification`);
    return this.call("GET", `FifetchDataBySessionId/${newest.FIStatusNotification.sessionId}`);
  }
}
