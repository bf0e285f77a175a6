import { randomInt } from "node:crypto";

const BASE = 36;
const COUNT_DIGITS = 6;
const UNIQUE_DIGITS = 5;

/** The version after this one: unique, and sortable as text (`00000c.k3f9x`). Short, since checkpoints name many. */
export function nextVersion(current: string | number | undefined): string {
  const count = typeof current === "string" ? Number.parseInt(current, BASE) : (current ?? 0);
  return versionString(count + 1, randomInt(BASE ** UNIQUE_DIGITS));
}

export function versionString(count: number, unique: number): string {
  return `${count.toString(BASE).padStart(COUNT_DIGITS, "0")}.${unique.toString(BASE).padStart(UNIQUE_DIGITS, "0")}`;
}
