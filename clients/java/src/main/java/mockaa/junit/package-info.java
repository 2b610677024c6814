/**
 * Contract tests of a Financial Information User (FIU) with JUnit 5, against mockaa, a local stand-in for an Indian
 * Account Aggregator (AA). Begin with {@link mockaa.junit.MockaaExtension}.
 */
package mockaa.junit;
