export default { test: { globalSetup: "@mockaa/testing/global-setup" } };
