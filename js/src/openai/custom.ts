/** The input of a custom tool: text, which the model writes as a JSON string. */

/** What arguments begin with; white space may stand between. */
const BEGINNING = ["{", '"input"', ":", '"'];
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\]+/y;

/**
 * Decodes arguments such as `{"input": "text"}` as they stream.
 *
 * Nothing comes out until it is certain that they begin so. If they do not, all
 * of them are the input, as the model wrote them. An escape, or half a surrogate
 * pair, waits until it is whole; a lone half becomes U+FFFD, an escape that JSON
 * does not have stays as it is. What follows the string is not part of the input.
 */
export class CustomInput {
  private state: "waiting" | "decoding" | "raw" | "closed" = "waiting";
  private seen = ""; // all text, until it is certain how it begins
  private word = 0; // which word of the beginning comes next
  private matched = 0; // how much of that word is there
  private waiting = ""; // an escape that is not whole
  private high = ""; // the first half of a surrogate pair

  /** Take some of the arguments; return what is certain of the input. */
  feed(text: string): string {
    const rest = this.state === "waiting" ? this.begin(text) : text;
    if (this.state === "raw") return rest;
    return this.state === "decoding" ? this.decode(rest) : "";
  }

  /** Take the end of the arguments; return the rest of the input. */
  finish(): string {
    if (this.state === "closed") return "";
    const rest = this.seen + (this.high ? "\ufffd" : "") + this.waiting;
    this.state = "closed";
    this.seen = this.waiting = this.high = "";
    return rest;
  }

  /** Look for the beginning; return the text behind it, or all if it is none. */
  private begin(text: string): string {
    this.seen += text;
    let at = 0;
    while (this.state === "waiting") {
      if (!this.matched) at = end(SPACE, text, at);
      if (at === text.length) return "";
      const word = BEGINNING[this.word]!;
      const found = text.slice(at, at + word.length - this.matched);
      if (!word.startsWith(found, this.matched)) {
        this.state = "raw";
        const all = this.seen;
        this.seen = "";
        return all;
      }
      at += found.length;
      this.match(found.length);
    }
    this.seen = "";
    return text.slice(at);
  }

  private match(length: number): void {
    this.matched += length;
    if (this.matched === BEGINNING[this.word]!.length) {
      this.word++;
      this.matched = 0;
    }
    if (this.word === BEGINNING.length) this.state = "decoding";
  }

  private decode(given: string): string {
    const text = this.waiting + given;
    this.waiting = "";
    let out = "";
    for (let at = 0; at < text.length && this.state === "decoding";) {
      const to = end(PLAIN, text, at);
      if (to > at) {
        out += this.put(text.slice(at, to));
        at = to;
      } else if (text[at] === '"') {
        out += this.put("");
        this.state = "closed";
      } else {
        const [said, size] = this.escape(text.slice(at, at + 6));
        if (size === 0) {
          this.waiting = text.slice(at);
          break;
        }
        out += said;
        at += size;
      }
    }
    return out;
  }

  /** Text behind what is there; a half that waits is a lone one. */
  private put(text: string): string {
    if (!this.high) return text;
    this.high = "";
    return `\ufffd${text}`;
  }

  /** What an escape means, and its length, or 0 if it is not whole. */
  private escape(escape: string): [string, number] {
    if (escape.length < 2) return ["", 0];
    const kind = escape[1]!;
    if (kind !== "u") {
      const known = Object.hasOwn(ESCAPES, kind);
      // A character beyond the basic plane has two units.
      const size = 1 + String.fromCodePoint(escape.codePointAt(1)!).length;
      return [this.put(known ? ESCAPES[kind]! : escape.slice(0, size)), size];
    }
    const count = /^[0-9a-fA-F]*/.exec(escape.slice(2))![0].length;
    if (count === 4) return [this.unit(parseInt(escape.slice(2), 16)), 6];
    if (2 + count < escape.length)
      return [this.put(escape.slice(0, 2 + count)), 2 + count];
    return ["", 0];
  }

  /** A UTF-16 unit: a character, or half of one. */
  private unit(unit: number): string {
    const character = String.fromCharCode(unit);
    if (unit >= 0xdc00 && unit < 0xe000) {
      if (!this.high) return "\ufffd";
      const both = this.high + character;
      this.high = "";
      return both;
    }
    if (unit < 0xd800 || unit >= 0xe000) return this.put(character);
    const before = this.put("");
    this.high = character;
    return before;
  }
}

/** Where a sticky pattern that always matches ends. */
function end(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
