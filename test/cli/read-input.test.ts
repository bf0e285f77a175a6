import { describe, expect, test } from "vitest";
import { type Format, readInput } from "../../src/cli/read-input.js";
import { aFolder, all } from "./support/cli.js";
import { workflowPackage } from "./support/shop.js";

async function rowsOf(source: string, format?: Format) {
  const { rows, total } = await readInput({ source, format, csv: workflowPackage.csv });
  return { rows: await all(rows), total };
}

describe("a table", () => {
  test("is read by the workflow's own mapping, further columns and a byte order mark doing no harm", async () => {
    using folder = aFolder();
    const file = folder.file("orders.csv", '\uFEFFid,note,amount\r\na,"one, two",5\r\nb,,7');

    const { rows, total } = await rowsOf(file);

    expect(total).toBe(2);
    expect(rows).toEqual([
      { row: 1, input: { id: "a", amountCents: 500 } },
      { row: 2, input: { id: "b", amountCents: 700 } },
    ]);
  });

  test("may mix the ends of lines, as when rows were appended on another system", async () => {
    using folder = aFolder();
    const file = folder.file("orders.csv", "id,amount\r\na,1\r\nb,2\nc,3\n\nd,4\r\n");

    const { rows } = await rowsOf(file);

    expect(rows).toEqual([1, 2, 3, 4].map((row) => ({ row, input: { id: "abcd"[row - 1], amountCents: row * 100 } })));
  });

  test("keeps a bad row to itself: a mapping that throws, too many fields, a stray quotation mark", async () => {
    using folder = aFolder();
    const file = folder.file("orders.csv", 'id,amount\na,x\nb,1,2\nc,3\nd "e",4\n');

    const { rows } = await rowsOf(file);

    expect(rows).toEqual([
      { row: 1, issues: [{ path: "", message: 'the column amount must be a whole number, not "x"' }] },
      { row: 2, issues: [{ path: "", message: expect.stringContaining("3 fields where the header has 2") }] },
      { row: 3, input: { id: "c", amountCents: 300 } },
      { row: 4, input: { id: 'd "e"', amountCents: 400 } },
    ]);
  });

  test("says where a quotation mark is never closed, after the rows before it", async () => {
    using folder = aFolder();
    const file = folder.file("orders.csv", 'id,amount\na,1\n"b,2\nc,3\n');

    const { rows } = await rowsOf(file);

    expect(rows).toMatchObject([
      { row: 1 },
      { row: 2, issues: [{ message: expect.stringContaining("the rest of the file cannot be read") }] },
    ]);
  });

  test.each([
    ["other columns", "name,price\nx,1\n", /other columns: id, amount are missing; found name, price/],
    ["a column twice", "id,amount,id\nx,1,2\n", /the column "id" twice/],
    ["a header alone", "id,amount\n", /has no rows/],
    ["nothing in it", " \n", /is empty/],
    ["UTF-16", "i\0d\0,\0\n\0", /is not UTF-8 text/],
  ])("with %s is refused as a whole", async (_, text, message) => {
    using folder = aFolder();
    const file = folder.file("orders.csv", text);

    await expect(rowsOf(file)).rejects.toThrow(message);
  });
});

describe("JSON", () => {
  test("is one object or an array of them", async () => {
    using folder = aFolder();

    expect((await rowsOf(folder.file("one.json", '{ "id": "a" }'))).rows).toEqual([{ row: 1, input: { id: "a" } }]);
    expect(await rowsOf(folder.file("two.json", '[{"id":"a"},{"id":"b"}]'))).toMatchObject({ total: 2, rows: [{ row: 1 }, { row: 2 }] });
  });

  test("that is cut off is refused with the place", async () => {
    using folder = aFolder();

    await expect(rowsOf(folder.file("cut.json", '{ "id": '))).rejects.toThrow(/is not JSON: Unexpected end of JSON input.*--format jsonl/);
  });

  test("lines keep a bad one to themselves, counted as an editor counts", async () => {
    using folder = aFolder();
    const file = folder.file("orders.jsonl", '{"id":"a"}\n\n{"id":\n{"id":"b"}');

    const { rows } = await rowsOf(file);

    expect(rows).toMatchObject([
      { row: 1 },
      { row: 3, issues: [{ message: expect.stringContaining("the line is not JSON") }] },
      { row: 4 },
    ]);
  });
});

describe("a file whose name does not say what it is", () => {
  test.each([
    ["an array", '[{"id":"a"}]'],
    ["an object over several lines", '{\n "id": "a"\n}'],
    ["an object a line", '{"id":"a"}\n'],
  ])("is told by its beginning: %s", async (_, text) => {
    using folder = aFolder();

    expect((await rowsOf(folder.file("orders.txt", text))).rows).toEqual([{ row: 1, input: { id: "a" } }]);
  });

  test("is taken for a table otherwise, or for what the user says", async () => {
    using folder = aFolder();

    expect((await rowsOf(folder.file("orders.txt", "id,amount\na,1\n"))).rows).toEqual([{ row: 1, input: { id: "a", amountCents: 100 } }]);
    expect((await rowsOf(folder.file("orders.dat", '{"id":"a"}'), "json")).rows).toEqual([{ row: 1, input: { id: "a" } }]);
  });
});

test("a missing file, and a folder, are named", async () => {
  using folder = aFolder();

  await expect(rowsOf("no-such.csv")).rejects.toThrow(/There is no file no-such.csv/);
  await expect(rowsOf(folder.path)).rejects.toThrow(/is a folder/);
});
