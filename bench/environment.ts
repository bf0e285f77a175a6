import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { arch, cpus, loadavg, platform, release } from "node:os";
import { performance } from "node:perf_hooks";
import SqliteDatabase from "better-sqlite3";
import { aFolder, DISK } from "./folder.js";
import { median } from "./measure.js";

/** What the figures depend on besides the code. */
export interface Environment {
  readonly at: string;
  readonly commit: string;
  /** Which of the package's two forms was measured: the sources, or what is published. */
  readonly code: "src" | "dist";
  readonly node: string;
  readonly cpu: string;
  readonly os: string;
  readonly sqlite: string;
  readonly disk: string;
  /** Median time of an fsync after 4 KiB were appended. */
  readonly fsyncMs: number;
  /** Of the last minute, before anything was measured; more than nothing means that others use the machine. */
  readonly load: number;
}

export async function lookAround(): Promise<Environment> {
  const processors = cpus();
  return {
    at: new Date().toISOString(),
    commit: commit(),
    code: import.meta.resolve("walkback").includes("/dist/") ? "dist" : "src",
    node: process.version,
    cpu: `${processors.length} × ${processors[0]?.model ?? "unknown"}`,
    os: `${platform()} ${release()} ${arch()}`,
    sqlite: sqliteVersion(),
    disk: DISK,
    fsyncMs: await fsyncMs(),
    load: loadavg()[0] ?? Number.NaN,
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown"; // not a checkout
  }
}

function sqliteVersion(): string {
  const database = new SqliteDatabase(":memory:");
  const version = database.prepare<[], string>("SELECT sqlite_version()").pluck().get();
  database.close();
  return version ?? "unknown";
}

async function fsyncMs(): Promise<number> {
  await using folder = await aFolder();
  const file = openSync(folder.file("fsync"), "w");
  const page = Buffer.alloc(4_096, 1);
  const times = Array.from({ length: 100 }, () => {
    writeSync(file, page);
    const startedAt = performance.now();
    fsyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  return median(times);
}
