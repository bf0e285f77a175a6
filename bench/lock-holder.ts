import { setTimeout } from "node:timers/promises";
import SqliteDatabase from "better-sqlite3";

/** A process of its own that takes a file's write lock again and again: `file holds holdMs pauseMs`. Says when it first has it, and when it is done. */
const [file = "", holds = "0", holdMs = "0", pauseMs = "0"] = process.argv.slice(2);
const database = new SqliteDatabase(file, { timeout: 10_000 });
for (let hold = 0; hold < Number(holds); hold++) {
  database.exec("BEGIN IMMEDIATE");
  if (hold === 0) process.stdout.write("holding\n");
  await setTimeout(Number(holdMs));
  database.exec("ROLLBACK");
  await setTimeout(Number(pauseMs));
}
database.close();
process.stdout.write("released\n");
