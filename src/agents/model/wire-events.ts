/** One server-sent event, or a line that belongs to none. */
export type WireEvent = { readonly name: string | undefined; readonly data: string } | { readonly stray: string };

/**
 * Server-sent events (WHATWG HTML, 9.2.6) out of a text that comes in pieces cut anywhere. An event that its blank line does not
 * follow is none, except the last: `data: [DONE]` needs no more than its line. A browser passes over lines it does not know; here
 * something may have been lost with them.
 */
export function eventParser(): { push(piece: string): WireEvent[]; end(): WireEvent[] } {
  let rest = "";
  let name: string | undefined;
  let data: string[] = [];

  function dispatched(): WireEvent[] {
    const event = { name, data: data.join("\n") };
    const heard = data.length > 0;
    name = undefined;
    data = [];
    return heard ? [event] : [];
  }

  function line(text: string): WireEvent[] {
    if (text === "") return dispatched();
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (!FIELDS.has(field)) return [{ stray: text }];
    if (field === "event") name = value;
    if (field !== "data") return [];
    if (value.trim() === DONE) return [...dispatched(), { name: undefined, data: DONE }];
    data.push(value);
    return [];
  }

  return {
    push(piece) {
      const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      return lines.flatMap(line);
    },
    end: () => line(rest.replace(/\r$/, "")).filter((event) => isDone(event) || isStray(event)),
  };
}

export function isDone(event: WireEvent): boolean {
  return "data" in event && event.data === DONE;
}

/** Not what may be the first letters of a field. */
function isStray(event: WireEvent): boolean {
  return "stray" in event && ![...FIELDS].some((field) => field.startsWith(event.stray));
}

/** What ends a stream of chat completions. */
const DONE = "[DONE]";
/** A line that begins with a colon is a comment. */
const FIELDS: ReadonlySet<string> = new Set(["data", "event", "id", "retry", ""]);
