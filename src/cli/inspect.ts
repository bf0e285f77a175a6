import { findRunId, openRecords } from "./house.js";
import { inspectionText } from "./inspection-tree.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";

/** Shows everything on record about one run. */
export async function inspectCommand(run: string, options: { readonly data?: boolean }, settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const inspection = await records.inspect(await findRunId(records, run));
  print(settings.json ? JSON.stringify(inspection) : inspectionText(inspection, { data: options.data ?? false }));
  return EXIT.fine;
}
