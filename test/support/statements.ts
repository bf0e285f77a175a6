import SqliteDatabase from "better-sqlite3";

/** Calls the hook before and after each statement that any SQLite connection of this process runs, until it is disposed of. */
export function atEachStatement(hook: (statement: number, moment: "before" | "after") => void): Disposable {
  const probe = new SqliteDatabase(":memory:");
  const statements = Object.getPrototypeOf(probe.prepare("SELECT 1")) as object;
  probe.close();
  let count = 0;
  const undo: (() => void)[] = [];
  const watch = (holder: object, name: string) => {
    const original = Reflect.get(holder, name) as (...args: unknown[]) => unknown;
    function watched(this: unknown, ...args: unknown[]): unknown {
      count += 1;
      const statement = count;
      hook(statement, "before");
      const result = original.apply(this, args);
      hook(statement, "after");
      return result;
    }
    Reflect.set(holder, name, watched);
    undo.push(() => Reflect.set(holder, name, original));
  };
  for (const name of ["run", "get", "all"]) watch(statements, name);
  watch(SqliteDatabase.prototype as object, "exec");
  return {
    [Symbol.dispose]() {
      for (const restore of undo) restore();
    },
  };
}
