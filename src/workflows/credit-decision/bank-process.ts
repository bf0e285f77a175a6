import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { bankServer } from "./bank-server.js";
import { sqliteBank } from "./sqlite-bank.js";

const HELP = `Usage: node bank-process.js [--file FILE] [--port N] [--host HOST] [--max-exposure-cents N]

The bank of the credit workflow in a process of its own. Prints one line of JSON with its url when it is ready; ends on SIGTERM.

  --file FILE               where it keeps its books and its log (default: .walkback/remote-bank.db; ":memory:" for nowhere)
  --port N                  0 for any that is free (default: 4040)
  --host HOST               (default: 127.0.0.1); it knows no keys and no locks, so leave it to this machine
  --max-exposure-cents N    the most that may be reserved at a time (default: no limit)
  --help`;

const OPTIONS = {
  file: { type: "string", default: ".walkback/remote-bank.db" },
  port: { type: "string", default: "4040" },
  host: { type: "string", default: "127.0.0.1" },
  "max-exposure-cents": { type: "string" },
  help: { type: "boolean" },
} as const;

/** What was typed cannot be used. */
class Misused extends Error {}

try {
  const { help, ...values } = optionsIn(process.argv.slice(2));
  if (help) console.log(HELP);
  else await serve(values);
} catch (thrown) {
  console.error(`error: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = thrown instanceof Misused ? 2 : 1;
}

async function serve(values: Omit<ReturnType<typeof optionsIn>, "help">): Promise<void> {
  const { file, host } = values;
  const port = wholeNumber("--port", values.port);
  const limit = values["max-exposure-cents"];
  const maxExposure = limit === undefined ? {} : { maxExposureCents: wholeNumber("--max-exposure-cents", limit) };
  if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
  const bank = sqliteBank({ file, ...maxExposure });
  const server = await bankServer({ bank, port, host });
  const stop = async () => {
    await server[Symbol.asyncDispose]();
    await bank.close();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
  console.log(JSON.stringify({ url: server.url }));
}

function optionsIn(words: string[]) {
  try {
    return parseArgs({ args: words, options: OPTIONS }).values;
  } catch (thrown) {
    throw new Misused(`${thrown instanceof Error ? thrown.message : String(thrown)} See --help.`);
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Misused(`${option} ${text} is not a whole number. See --help.`);
}
