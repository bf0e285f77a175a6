import { damagedFile } from "./answering.js";
import type { Ground } from "./ground.js";
import { pacer } from "./pacer.js";

/** How many rows one statement looks at, whether it finds any or not. */
const PAGE_ROWS = 5_000;

/** The rows that a condition finds in a whole table, in the order in which they were written. Others of this process work in between. */
export function pagesOf<Row>({ database, writer, path }: Ground, table: "runs" | "events", condition: string) {
  const last = database.prepare<[], number | null>(`SELECT max(rowid) FROM ${table}`).pluck();
  const page = database.prepare<(string | number)[], Row>(
    `SELECT * FROM ${table} WHERE rowid > ? AND rowid <= ? AND ${condition} ORDER BY rowid`,
  );
  const ask = <T>(question: () => T): T => {
    writer.requireOpen();
    try {
      return question();
    } catch (thrown) {
      throw damagedFile(path, thrown);
    }
  };
  return async function* rows(...values: readonly string[]): AsyncGenerator<Row> {
    const breathe = pacer();
    const end = ask(() => last.get()) ?? 0;
    for (let after = 0; after < end; after += PAGE_ROWS) {
      await breathe();
      for (const row of ask(() => page.all(after, after + PAGE_ROWS, ...values))) {
        await breathe();
        yield row;
      }
    }
  };
}
