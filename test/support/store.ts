import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunId, type Store, sqliteStore } from "walkback";

/** A folder of its own in the temp folder, gone at the end of the test. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
  file(name: string): string;
}

export async function aFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "walkback-"));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The number of the first version of a run that does not hold, if there is one. */
export async function firstBroken(store: Store, runId: RunId): Promise<number | undefined> {
  const { problems } = await store.verify(runId);
  return problems.find(({ where }) => where === "versions")?.version;
}

/** A store in a file of its own, closed and gone at the end of the test. */
export async function aStore(): Promise<Store & AsyncDisposable> {
  const folder = await aFolder();
  const store = sqliteStore(folder.file("store.db"));
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
