import type { Alert } from "../limits/alerts.js";
import { paintErr } from "./paint.js";
import { tell } from "./print.js";

/** Tells whoever sits at the terminal, out of the way of a pipe. */
export function tellAlert({ message }: Alert): void {
  tell(`${paintErr.yellow("alert:")} ${message}`);
}
