import { readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the databases go: the disk decides about half of the figures. */
export const DISK = process.env["WALKBACK_BENCH_DIR"] ?? tmpdir();

/** A folder of its own on the disk that is measured, gone at the end. */
export interface Folder extends AsyncDisposable {
  file(name: string): string;
  /** Of all files in it. */
  bytes(): number;
}

export async function aFolder(): Promise<Folder> {
  const path = await mkdtemp(join(DISK, "walkback-bench-"));
  return {
    file: (name) => join(path, name),
    bytes: () => readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
