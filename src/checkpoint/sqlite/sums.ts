import { crc32 } from "node:zlib";
import { StoreDamaged } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";

/** What a row's checksum is computed from. */
export type Column = string | number | null;

/** The checksum of a row that no hash chain covers (CRC-32): every flipped bit is noticed when the row is read. */
export function sumOf(...columns: readonly Column[]): number {
  return crc32(JSON.stringify(columns));
}

/** Where something that does not hold was found. */
export interface Place {
  readonly path: string;
  readonly where: string;
  readonly runId?: RunId | undefined;
  readonly version?: number | undefined;
}

/** The error for what is not what was written: it is refused instead of being returned. */
export function damaged({ path, where, runId, version }: Place, problem: string): StoreDamaged {
  const run = runId === undefined ? "" : ` of run ${runId}`;
  const message = `The store ${path} is damaged: ${problem} (${where}${run}). Nothing of it was used. Run walkback verify, and restore a copy that holds.`;
  return new StoreDamaged(message, {
    path,
    where,
    ...(runId === undefined ? {} : { runId }),
    ...(version === undefined ? {} : { version }),
  });
}
