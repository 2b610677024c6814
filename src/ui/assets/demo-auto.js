export async function play() {}
