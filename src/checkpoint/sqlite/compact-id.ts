/** A UUID as its 16 bytes, anything else as it is. Sorts as the text does, as long as a thread has one kind of them (LangGraph's are UUIDs). */
export type CompactId = Buffer | string;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function compact(id: string): CompactId {
  return UUID.test(id) ? Buffer.from(id.replaceAll("-", ""), "hex") : id;
}

export function expanded(id: CompactId): string {
  if (typeof id === "string") return id;
  const hex = id.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function isSame(one: CompactId, other: CompactId): boolean {
  return typeof one === "string" || typeof other === "string" ? one === other : one.equals(other);
}
