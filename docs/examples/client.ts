import type { components, operations } from "./dateline";

type Event = components["schemas"]["Event"];
type Page = Omit<components["schemas"]["EventPage"], "events"> & { events: Event[] };
// Whole events, page by page: so not "fields", "cursor" and other formats.
type Query = Omit<NonNullable<operations["list_events"]["parameters"]["query"]>, "fields" | "cursor" | "format">;

/** Every event of a query; the next page is only asked for when it is needed. */
export async function* events(server: string, query: Query): AsyncGenerator<Event> {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  let path: string | null = `/v1/events?${parameters}`;
  while (path) {
    const answer: Response = await fetch(new URL(path, server));
    if (!answer.ok) {
      const problem = (await answer.json()) as components["schemas"]["Problem"];
      throw new Error(problem.detail);
    }
    const page = (await answer.json()) as Page;
    yield* page.events;
    path = page.next;
  }
}

const found = events("http://127.0.0.1:8000", { actor: ["Taliban"], type: ["battle"], province: ["Panjshir", "Baghlan"] });
for await (const { date, title, casualties } of found) {
  const killed = casualties.killed;
  console.log(date, title, killed ? `(${killed.low} to ${killed.high} killed)` : "");
}
