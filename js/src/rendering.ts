/**
 * Conversations to tokens: what each message says, as records for C.
 *
 * Each run of text between special tokens is encoded on its own, so what a user
 * writes can't become a special token.
 */
import { type Checked, type Role, unknown } from "./contents.js";
import { ValueError, RenderError } from "./errors.js";
import { contentText, hasFunctionTools, type Schemas, SCHEMAS } from "./prompts.js";
import { CONTINUED, DROP_RULES, type Machine, NO_ROLE, ROLE_NUMBERS } from "./wasm.js";

/** Which messages on channel analysis are left out of a conversation. */
export type DropAnalysis = "never" | "upstream" | "per_turn";

/** How a conversation is rendered. */
export interface RenderConfig {
  /**
   * "never": none. "upstream", the default: as openai-harmony; if the
   * assistant's last message is on channel final, those before the first message
   * on channel final. "per_turn": those before the assistant's last message on
   * channel final.
   */
  dropAnalysis?: DropAnalysis | null;
  /** What counts if `dropAnalysis` is not given; false is "never". */
  autoDropAnalysis?: boolean;
  /** The assistant's channel stands before the recipient, as the model writes. */
  channelFirst?: boolean;
  /** How the parameters of tools are written: "reference" by default. */
  schemas?: Schemas;
}

/** A message as C gets it: its role, the words of its header, its texts. */
export interface Said {
  role: Role;
  name: string | null;
  recipient: string | null;
  channel: string | null;
  contentType: string | null;
  texts: string[];
}

/** What to render besides messages and their config. */
export interface Ending {
  nextRole?: Role | null;
  openLast?: boolean;
  training?: boolean;
}

type Span = [number, number];
const ABSENT: Span = [-1, 0];

/** What is rendered of messages. `functionTools`: null to look for them. */
export function saidBy(
  messages: Checked[],
  functionTools: boolean | null,
  schemas: Schemas = "reference",
): Said[] {
  if (!SCHEMAS.includes(schemas)) throw unknown("schemas", "form", schemas, SCHEMAS);
  const has = functionTools ?? hasFunctionTools(messages);
  return messages.map((message, index) => {
    const { role, name, recipient, channel, contentType } = message;
    try {
      const texts = message.contents.map((item) =>
        contentText(item, role, has, schemas),
      );
      return { role, name, recipient, channel, contentType, texts };
    } catch (error) {
      if (!(error instanceof RenderError || error instanceof ValueError)) throw error;
      throw new RenderError(`messages[${index}]: ${error.message}`);
    }
  });
}

/** The tokens of messages. */
export function rendered(
  machine: Machine,
  said: Said[],
  config: RenderConfig,
  { nextRole = null, openLast = false, training = false }: Ending,
): number[] {
  const flags = {
    drop: DROP_RULES[dropRule(config)],
    channelFirst: Boolean(config.channelFirst),
    nextRole: nextRole === null ? NO_ROLE : ROLE_NUMBERS[nextRole],
    openLast,
    training,
  };
  return machine.render(size(said), (add) => records(said, add), flags);
}

function dropRule({
  dropAnalysis,
  autoDropAnalysis = true,
}: RenderConfig): DropAnalysis {
  const rule = dropAnalysis ?? (autoDropAnalysis ? "upstream" : "never");
  if (Object.hasOwn(DROP_RULES, rule)) return rule;
  throw unknown("dropAnalysis", "rule", rule, Object.keys(DROP_RULES));
}

/** No fewer than the UTF-16 units of all texts. */
function size(said: Said[]): number {
  let units = 0;
  for (const { name, recipient, channel, contentType, texts } of said) {
    for (const text of [name, recipient, channel, contentType, ...texts]) {
      units += text?.length ?? 0;
    }
  }
  return units;
}

function records(said: Said[], add: (text: string) => Span): number[] {
  const words = new Map<string, Span>();
  const word = (text: string | null): Span => {
    if (text === null) return ABSENT;
    let span = words.get(text);
    if (span === undefined) words.set(text, (span = add(text)));
    return span;
  };
  const numbers: number[] = [];
  for (const { role, name, recipient, channel, contentType, texts } of said) {
    const spans = texts.map(add);
    numbers.push(ROLE_NUMBERS[role]);
    for (const text of [name, recipient, channel, contentType]) {
      numbers.push(...word(text));
    }
    numbers.push(...(spans[0] ?? ABSENT));
    for (const span of spans.slice(1)) {
      numbers.push(CONTINUED, ...ABSENT, ...ABSENT, ...ABSENT, ...ABSENT, ...span);
    }
  }
  return numbers;
}
