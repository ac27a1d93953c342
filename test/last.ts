/** What a generator returns in the end, whatever it yields on its way. */
export async function last<Result>(work: AsyncGenerator<unknown, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
  }
}
