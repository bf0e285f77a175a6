import type { ToolCall } from "./chat-model.js";
import { jsonOf } from "./json-of.js";
import type { WireCallFragment } from "./wire-chunk.js";

/** Puts calls of tools together that come in fragments, several of them side by side. */
export function callsDraft(): { add(fragment: WireCallFragment, position: number): void; calls(): readonly ToolCall[] | undefined } {
  const drafts: CallDraft[] = [];

  return {
    add({ index, id, function: written }, position) {
      const place = index ?? position;
      const open = drafts.findLast((each) => each.place === place);
      const draft = open && continues(open, id, written?.name) ? open : { place, id: "", name: "", written: "" };
      if (draft !== open) drafts.push(draft);
      draft.id ||= id ?? "";
      draft.name ||= written?.name ?? "";
      draft.written += textOf(written?.arguments);
    },
    /** Undefined when one of them has no name. */
    calls() {
      if (drafts.some(({ name }) => name === "")) return undefined;
      const ids = drafts.map(({ id }) => id);
      return drafts.map(({ id, name, written }, position) => {
        const own = id !== "" && ids.indexOf(id) === position; // some servers take the name of the tool
        return { id: own ? id : `call_${position + 1}`, name, arguments: written };
      });
    },
  };
}

interface CallDraft {
  readonly place: number;
  id: string;
  name: string;
  written: string;
}

/** Some servers give every call of a stream the same index: another id is another call, without ids a name after whole arguments. */
function continues(draft: CallDraft, id: string | null | undefined, name: string | null | undefined): boolean {
  if (id || draft.id) return !id || draft.id === "" || draft.id === id;
  return !name || jsonOf(draft.written) === undefined;
}

function textOf(written: string | Record<string, unknown> | null | undefined): string {
  return typeof written === "string" ? written : written ? JSON.stringify(written) : "";
}
