/** Returns the path of the program; throws an error that says why there is none. */
export function findBinary(): string;
