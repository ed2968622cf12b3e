/** What is typed, in the fragment of a link. */

/** Some values as text that a fragment can hold. */
export async function packed(values: object): Promise<string> {
  const through = new CompressionStream("deflate-raw");
  const stream = new Blob([JSON.stringify(values)])
    .stream()
    .pipeThrough(through);
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text)
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

const LARGEST = 10_000_000;

/** What a fragment holds, if all of it has the shape of `like`; else null. */
export async function unpacked<T extends object>(
  fragment: string,
  like: T,
): Promise<Partial<T> | null> {
  if (!fragment) return null;
  try {
    const text = atob(fragment.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const found: unknown = JSON.parse(await inflated(bytes));
    return hasShape(found, like) ? (found as Partial<T>) : null;
  } catch {
    return null; // a link that somebody cut, or made up
  }
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const through = new DecompressionStream("deflate-raw");
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).text();
    parts.push(value);
    size += value.length;
    if (size > LARGEST) throw new RangeError("too much");
  }
}

/** Whether a value has the keys of another, and values of the same types. */
function hasShape(value: unknown, like: unknown): boolean {
  if (
    typeof value !== typeof like ||
    Array.isArray(value) !== Array.isArray(like)
  ) {
    return false;
  }
  if (Array.isArray(value)) return value.every((item) => isMessage(item));
  if (typeof value !== "object" || value === null) return true;
  const entries = Object.entries(like as object);
  return entries.every(([key, item]) => hasShape((value as never)[key], item));
}

function isMessage(value: unknown): boolean {
  const fields = typeof value === "object" && value !== null ? value : null;
  if (fields === null || !("role" in fields) || !("content" in fields))
    return false;
  return Object.values(fields).every((field) => typeof field === "string");
}
