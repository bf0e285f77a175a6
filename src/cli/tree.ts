/** A line with lines under it. Text of several lines stays together. */
export interface Branch {
  readonly text: string;
  readonly children: readonly Branch[];
}

export function branch(text: string, children: readonly Branch[] = []): Branch {
  return { text, children };
}

/** Draws branches with the usual rails. */
export function drawTree(branches: readonly Branch[]): string {
  return branches.flatMap((each, index) => linesOf(each, index === branches.length - 1)).join("\n");
}

function linesOf({ text, children }: Branch, last: boolean): string[] {
  const [first = "", ...more] = text.split("\n");
  const rail = last ? "   " : "│  ";
  const under = children.length > 0 ? "│  " : "";
  const below = children.flatMap((child, index) => linesOf(child, index === children.length - 1));
  return [`${last ? "└─ " : "├─ "}${first}`, ...more.map((line) => rail + under + line), ...below.map((line) => rail + line)];
}
