/** The listed ones with what came live since, newest first. */
export function merged<T extends { id: number | string }>(listed: readonly T[], since: readonly T[], at: (item: T) => string): T[] {
  const byId = new Map(listed.map((item) => [item.id, item]));
  for (const item of since) byId.set(item.id, item);
  return [...byId.values()].sort((a, b) => Date.parse(at(b)) - Date.parse(at(a)));
}
