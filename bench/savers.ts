import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import SqliteDatabase, { type Database } from "better-sqlite3";
import { sqliteStore } from "walkback";

/** Any version type: a graph only hands the versions back to the saver that made them. */
export type Saver = BaseCheckpointSaver<number> | BaseCheckpointSaver<string>;

/** A saver on a file, and what lets go of it. */
export type OpenSaver = (file: string) => { readonly saver: Saver; close(): unknown };

/** The checkpointer of a store. */
export const ourSaver: OpenSaver = (file) => {
  const store = sqliteStore(file);
  return { saver: store.checkpointer, close: () => store.close() };
};

/** `SqliteSaver` made as durable as ours: by itself it runs at `synchronous=NORMAL` and loses acknowledged steps in a power cut. */
export const upstreamSaver: OpenSaver = (file) => {
  const database = durableDatabase(file);
  const close = () => {
    if (database.pragma("synchronous", { simple: true }) !== FULL) throw new Error("SqliteSaver has changed synchronous: not a fair peer.");
    database.close();
  };
  return { saver: new SqliteSaver(database), close };
};

/** What SQLite answers for `synchronous=FULL`. */
const FULL = 2;

/** A file in WAL with `synchronous=FULL`, as a store opens it. */
export function durableDatabase(file: string): Database {
  const database = new SqliteDatabase(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}

/** LangGraph's `compile` asks for numbers as versions, although it takes strings as well. */
export function asGraphTakesIt(saver: Saver): BaseCheckpointSaver {
  return saver as BaseCheckpointSaver;
}
