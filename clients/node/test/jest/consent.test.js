const { withMockaa } = require("@mockaa/testing");

test("a customer approves", withMockaa(async ({ inbox, fiu }) => {
  const handle = await fiu.raiseConsent("9999999001");
  expect((await inbox.wait({ status: "ACTIVE" })).consentHandle).toBe(handle);
}));

test("a world is named after its test", withMockaa(({ world }) => {
  expect(world.name).toMatch(/^a-world-is-named-after-its-test-/);
}));
