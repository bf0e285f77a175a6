import { sqliteStore } from "walkback";
import { acceptedIn, anEntry, aVersion } from "../records.js";

/** Appends versions and journal entries, and says so only after each is acknowledged, until it is killed. */
const store = sqliteStore(process.argv[2] ?? "");
const run = await acceptedIn(store);
for (let round = 0; ; round++) {
  const batch = await Promise.all(
    ["a", "b", "c"].map(async (agent) => {
      const { number } = await store.versions.append(aVersion(run, { agent, round }));
      await store.journal.append(anEntry(run, { key: `${run.runId}/${agent}/${round}` }));
      return number;
    }),
  );
  process.stdout.write(`${JSON.stringify({ runId: run.runId, versions: Math.max(...batch) + 1, entries: (round + 1) * 3 })}\n`);
}
