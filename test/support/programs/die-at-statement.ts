import { sqliteStore } from "walkback";
import { type Operation, operations, readied } from "../../checkpoint/operations.js";
import { atEachStatement } from "../statements.js";

/** Does one thing to a store and kills itself at a moment of it: twice a statement's number, and one more for after it. */
const [path = "", operation = "", moment = "0"] = process.argv.slice(2);
const store = sqliteStore(path);
const ready = await readied(store);
console.log("ready");
atEachStatement((statement, when) => {
  if (statement * 2 + (when === "after" ? 1 : 0) === Number(moment)) process.kill(process.pid, "SIGKILL");
});
await operations[operation as Operation](store, ready);
console.log("acknowledged");
