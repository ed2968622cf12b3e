/** The names of tools: what the client calls them, and what the model does. */
import { ValueError } from "../errors.js";
import { shown } from "../json.js";

/** Stands before the name of every function in the header of a call. */
export const FUNCTIONS = "functions.";

/** What Python takes for white space; it differs from JavaScript's `\s`. */
export const SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const HAS_SPACE = new RegExp(`[${SPACE}]`);
const NOT_GOOD = /[^\p{L}\p{N}_$]/gu;
/** Decimal digits, and other signs that stand for one digit. */
const DIGIT_FIRST =
  /^[\p{Nd}\u{b2}-\u{b3}\u{b9}\u{1369}-\u{1371}\u{19da}\u{2070}\u{2074}-\u{2079}\u{2080}-\u{2089}\u{2460}-\u{2468}\u{2474}-\u{247c}\u{2488}-\u{2490}\u{24ea}\u{24f5}-\u{24fd}\u{24ff}\u{2776}-\u{277e}\u{2780}-\u{2788}\u{278a}-\u{2792}\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]/u;

/** What a client calls a tool: a name, in a namespace or in none. */
export class ClientName {
  constructor(
    readonly name: string,
    readonly namespace: string | null = null,
  ) {}

  /** The name with its namespace, as functions of namespaces are called. */
  get joined(): string {
    return this.namespace === null ? this.name : `${this.namespace}__${this.name}`;
  }

  /** What tells names apart in a Map. */
  get key(): string {
    return JSON.stringify([this.name, this.namespace]);
  }
}

/**
 * The tools of one prompt by both of their names.
 *
 * A name that is good in TypeScript and in a header stays as it is: letters,
 * digits, `_` and `$`, no digit first, not empty. In another one, what is not
 * good becomes `_`; if the result is taken, `_2`, `_3` and so on follows it. Good
 * names are given out first, then the others, in the order of `tools`; then those
 * found only in calls of the history.
 */
export class ToolNames {
  private harmony = new Map<string, string>();
  private client = new Map<string, ClientName>();
  private dotted = new Map<string, ClientName>();
  private numbers = new Map<string, number>();
  private declared: ReadonlySet<string>;
  private declaredNames: ReadonlySet<string>;

  /** Give out the names of declared tools: the path and the name of each. */
  constructor(
    tools: readonly (readonly [string, ClientName])[],
    private readonly rename = true,
  ) {
    for (const good of [true, false]) {
      for (const [where, name] of tools) {
        if (isGood(name.joined) === good) this.add(where, name);
      }
    }
    this.declared = new Set(this.client.keys());
    this.declaredNames = new Set(tools.map(([, name]) => name.name));
  }

  /** @internal The model's name of a tool; one is given to it if it has none. */
  add(where: string, name: ClientName): string {
    const known = this.harmony.get(name.key);
    if (known !== undefined) return known;
    const harmony = this.rename ? this.free(name.joined) : kept(where, name);
    this.harmony.set(name.key, harmony);
    if (!this.client.has(harmony)) this.client.set(harmony, name);
    if (name.namespace !== null) {
      const dotted = `${name.namespace}.${name.name}`;
      if (!this.dotted.has(dotted)) this.dotted.set(dotted, name);
    }
    return harmony;
  }

  /** @internal Names that begin as these, and get more on their own. */
  copy(): ToolNames {
    const copy = new ToolNames([], this.rename);
    copy.harmony = new Map(this.harmony);
    copy.client = new Map(this.client);
    copy.dotted = new Map(this.dotted);
    copy.numbers = new Map(this.numbers);
    copy.declared = this.declared;
    copy.declaredNames = this.declaredNames;
    return copy;
  }

  private free(name: string): string {
    const good = rewritten(name);
    let free = good;
    let number = this.numbers.get(good) ?? 1; // lower ones are taken
    while (this.client.has(free)) free = `${good}_${++number}`;
    this.numbers.set(good, number);
    return free;
  }

  /** @internal Whether a declared tool has this name, in whatever namespace. */
  isDeclared(name: string): boolean {
    return this.declaredNames.has(name);
  }

  /** The model's name of a tool, without `functions.` before it. */
  toHarmony(name: string, namespace: string | null = null): string {
    const client = new ClientName(name, namespace);
    const known = this.harmony.get(client.key);
    if (known !== undefined) return known;
    return this.rename ? rewritten(client.joined) : client.joined;
  }

  /** The client's name of a function; an unknown one stays as it is. */
  toClient(name: string): string {
    return this.clientName(name).name;
  }

  /** @internal The same with its namespace. */
  clientName(name: string): ClientName {
    return this.client.get(name) ?? this.dotted.get(name) ?? new ClientName(name);
  }

  /**
   * @internal The function that a recipient stands for: `functions.X` for any X,
   * a declared tool's bare name, a tool behind its namespace and a dot; or null.
   */
  called(recipient: string): ClientName | null {
    if (recipient.startsWith(FUNCTIONS)) {
      return this.clientName(recipient.slice(FUNCTIONS.length));
    }
    if (this.declared.has(recipient)) return this.client.get(recipient)!;
    return this.dotted.get(recipient) ?? null;
  }
}

/** Whether a name can stand in TypeScript and in a header as it is. */
function isGood(name: string): boolean {
  return rewritten(name) === name;
}

/** A name with what is not good in it replaced. */
function rewritten(name: string): string {
  if (!name) return "unnamed";
  const good = name.replace(NOT_GOOD, "_");
  return DIGIT_FIRST.test(good) ? `_${good}` : good;
}

function kept(where: string, name: ClientName): string {
  const { joined } = name;
  if (!joined || joined.includes("<|") || HAS_SPACE.test(joined)) {
    const complaint = `${shown(joined)} can't stand in the header of a call`;
    throw new ValueError(where, complaint);
  }
  return joined;
}
