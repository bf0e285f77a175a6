import { isWalkbackError, messageOf } from "../../contracts/failure.js";
import type { Ground } from "./ground.js";
import { damaged } from "./sums.js";

type Method = (...args: never[]) => unknown;
type Place = Pick<Ground, "path" | "prunes">;

/** The same methods; what SQLite itself finds wrong with the file comes out of them as `STORE_DAMAGED`, too. */
export function answering<Part extends object>(place: Place, part: Part): Part {
  const methods = Object.entries(part).map(([name, method]) => [name, guarded(place, method as Method)]);
  return Object.fromEntries(methods) as Part; // each as it was, but for its errors
}

function guarded(place: Place, method: Method): Method {
  return (...args) => {
    const again = (thrown: unknown): unknown => {
      if (isOutdated(place, thrown)) return guarded(place, method)(...args);
      throw damagedFile(place.path, thrown);
    };
    try {
      const answer = method(...args);
      return answer instanceof Promise ? answer.catch(again) : answer;
    } catch (thrown) {
      return again(thrown);
    }
  };
}

/** Rows that a read was about to look at were taken away by another process meanwhile: nothing is wrong, it is to be read again. */
export function isOutdated({ prunes }: Pick<Place, "prunes">, thrown: unknown): boolean {
  return isWalkbackError(thrown) && thrown.code === "STORE_DAMAGED" && prunes.notice();
}

/** Any other error is returned as it is. */
export function damagedFile(path: string, thrown: unknown): unknown {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return /^SQLITE_(CORRUPT|NOTADB)/.test(code) || messageOf(thrown) === "malformed JSON"
    ? damaged({ path, where: "file" }, messageOf(thrown))
    : thrown;
}
