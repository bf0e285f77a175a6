/** Works through the items in their order, so many at a time. Answers are in the order of the items. */
export async function inParallel<Item, Answer>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const queue = items.entries();
  const answers: Answer[] = [];
  const worker = async () => {
    for (const [place, item] of queue) answers[place] = await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return answers;
}
