import { expect, test } from "vitest";
import { type components, withMockaa } from "@mockaa/testing";

type Notification = components["schemas"]["ConsentStatusWebhook"];

test("a customer approves", withMockaa(async ({ inbox, fiu }) => {
  const handle = await fiu.raiseConsent("9999999001");
  const webhook = await inbox.wait({ status: "ACTIVE" });
  const { ConsentStatusNotification } = webhook.json<Notification>();
  expect(ConsentStatusNotification.consentHandle).toBe(handle);
}));

test("a world is named after its test", withMockaa(({ world }) => {
  expect(world.name).toMatch(/^a-world-is-named-after-its-test-/);
}));
