import { createHash } from "node:crypto";

/** An idempotency key names what its effect is about (an application, a customer), so only this much of it is told. */
export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}
