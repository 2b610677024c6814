const TOLERANCE_MS = 15 * 60_000;

/**
 * Returns whether a value is an ISO 8601 date-time with an offset, within 15 minutes of the world's clock or of the machine's.
 * The AA dates its messages by the one or the other (`message_time`).
 */
export function isCurrent(value: unknown, worldTime: string): boolean {
  // `Date` reads more forms, and a time without an offset as local.
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\S*(Z|[+-]\d\d:?\d\d)$/.test(value)) return false;
  const at = Date.parse(value);
  return [Date.parse(worldTime), Date.now()].some((clock) => Math.abs(at - clock) <= TOLERANCE_MS);
}
