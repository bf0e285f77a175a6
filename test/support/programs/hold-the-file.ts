import SqliteDatabase from "better-sqlite3";

/** Holds the write lock of a file for so many milliseconds, and says when it has it. */
const [path = "", ms = "0"] = process.argv.slice(2);
const database = new SqliteDatabase(path);
database.exec("BEGIN IMMEDIATE");
console.log("held");
setTimeout(() => {
  database.exec("COMMIT");
  database.close();
}, Number(ms));
