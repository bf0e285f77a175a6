import { messageOf } from "../../contracts/failure.js";
import { damaged } from "./sums.js";

type Method = (...args: never[]) => unknown;

/** The same methods; what SQLite itself finds wrong with the file comes out of them as `STORE_DAMAGED`, too. */
export function answering<Part extends object>(path: string, part: Part): Part {
  const methods = Object.entries(part).map(([name, method]) => [name, guarded(path, method as Method)]);
  return Object.fromEntries(methods) as Part; // each as it was, but for its errors
}

function guarded(path: string, method: Method): Method {
  return (...args) => {
    try {
      const answer = method(...args);
      return answer instanceof Promise ? answer.catch((thrown: unknown) => Promise.reject(damagedFile(path, thrown))) : answer;
    } catch (thrown) {
      throw damagedFile(path, thrown);
    }
  };
}

/** Any other error is returned as it is. */
export function damagedFile(path: string, thrown: unknown): unknown {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return /^SQLITE_(CORRUPT|NOTADB)/.test(code) || messageOf(thrown) === "malformed JSON"
    ? damaged({ path, where: "file" }, messageOf(thrown))
    : thrown;
}
