import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Decision } from "walkback";

/** Beside each run's file: what it was like when it was written, and how it must go on. */
export interface Golden {
  readonly about: string;
  /** What `inspect` showed; a later release may show more. */
  readonly inspection: object;
  /** What stood outside at that moment, by idempotency key. */
  readonly rows: readonly (readonly [key: string, name: string])[];
  /** What did not work then, and would still not. */
  readonly broken: readonly string[];
  /** For a run that has not ended. */
  readonly next?: Next;
}

export interface Next {
  readonly act: "recover" | "cancel" | Decision;
  /** How it ends, and what stands outside then, sorted. */
  readonly status: string;
  readonly rows: readonly string[];
}

export const GOLDEN = fileURLToPath(new URL(".", import.meta.url));

/** The files of all releases: `0.1.0/completed`, … */
export function goldenFiles(): readonly string[] {
  const releases = readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return releases.flatMap(({ name: release }) =>
    readdirSync(join(GOLDEN, release)).flatMap((file) =>
      file.endsWith(".jsonl") ? [`${release}/${file.slice(0, -".jsonl".length)}`] : [],
    ),
  );
}

export function readGolden(name: string): { readonly text: string; readonly golden: Golden } {
  const read = (ending: string) => readFileSync(join(GOLDEN, `${name}.${ending}`), "utf8");
  return { text: read("jsonl"), golden: JSON.parse(read("json")) as Golden };
}

export function isThere(name: string): boolean {
  return existsSync(join(GOLDEN, `${name}.jsonl`));
}
