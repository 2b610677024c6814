module.exports = { testEnvironment: "node", globalSetup: "@mockaa/testing/global-setup" };
