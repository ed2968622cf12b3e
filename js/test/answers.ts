/** Answers what differential.py asks: a line of JSON for each line of JSON. */
import { createInterface } from "node:readline";
import {
  ParseError,
  readJson,
  type ParserOptions,
  type Segment,
  StreamableParser,
} from "harmony-format";
import * as chat from "harmony-format/chat";
import * as responses from "harmony-format/responses";
import { encoding, type Json, namespaceOf } from "./support.js";

function outcome(call: () => unknown): unknown {
  try {
    return call() ?? null;
  } catch (caught) {
    const error = caught as Error & { path?: string };
    if (error instanceof ParseError) {
      return { error: "ParseError", position: error.position };
    }
    return { error: error.path ?? error.name };
  }
}

function text(one: Json): unknown {
  const tokens = encoding.encode(one["text"], { disallowedSpecial: [] });
  const counted = encoding.count(one["text"], { disallowedSpecial: [] });
  return counted === tokens.length ? [tokens, encoding.decode(tokens)] : counted;
}

function conversation({ text, rule, channelFirst }: Json): unknown {
  const config = { dropAnalysis: rule, channelFirst };
  return [
    outcome(() => encoding.renderConversation(text, config)),
    outcome(() => encoding.renderConversationForCompletion(text, "assistant", config)),
    outcome(() => encoding.renderConversationForTraining(text, config)),
    outcome(() => encoding.renderConversationForContinuation(text, config)),
  ];
}

function stream(one: Json): unknown {
  const { tokens, cut, role } = one;
  const { strict, onError } = one as Required<ParserOptions>;
  const make = () => new StreamableParser(encoding, role, { strict, onError });
  const single = make();
  const seen = [];
  for (const token of tokens) {
    const wrong = outcome(() => void single.process(token));
    seen.push([wrong, ...observed(single)]);
  }
  const wrong = outcome(() => void single.processEos());
  seen.push([wrong, ...observed(single)]);
  const answer: unknown[] = [seen, result(single)];
  single.free();
  for (const portions of [[tokens], [tokens.slice(0, cut), tokens.slice(cut)]]) {
    const parser = make();
    const said = portions.map((portion) => outcome(() => listed(parser.feed(portion))));
    said.push(outcome(() => listed(parser.finish())));
    answer.push(said, result(parser));
    parser.free();
  }
  return answer;
}

function observed(parser: StreamableParser): unknown[] {
  return [
    parser.state,
    parser.currentRole,
    parser.currentChannel,
    parser.currentRecipient,
    parser.currentContentType,
    parser.lastContentDelta,
    parser.nextRole,
  ];
}

function result(parser: StreamableParser): unknown[] {
  return [
    parser.messages,
    parser.warnings.map(({ kind, position, text }) => [kind, position, text]),
    parser
      .countTokens({ special: false })
      .map((one) => [one.channel, one.recipient, one.header, one.content]),
    parser.messageTokens.map(({ end }) => end),
    parser.stateData,
  ];
}

function listed(segments: Segment[]): unknown[] {
  return segments.map((one) => [
    ...[one.role, one.channel, one.recipient, one.contentType],
    ...[one.text, one.message, one.finished],
  ]);
}

function request(
  api: { prompt: typeof chat.prompt },
  { text, options }: Json,
): unknown {
  return outcome(() => {
    const prompt = api.prompt(text, {
      date: "2025-06-28",
      header: options.header,
      renameTools: options.rename_tools,
      unknownTools: options.unknown_tools,
      schemas: options.schemas,
    });
    return [
      ...[prompt.tokens(encoding), prompt.mustCall, prompt.mayCall],
      ...[prompt.parallel, prompt.open, prompt.skippedTools],
    ];
  });
}

const KINDS: Record<string, (one: Json) => unknown> = {
  text,
  conversation,
  stream,
  schema: (one) => outcome(() => namespaceOf(readJson(one["text"]))),
  chat: (one) => request(chat, one),
  responses: (one) => request(responses, one),
};

for await (const line of createInterface({ input: process.stdin })) {
  const one: Json = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(KINDS[one["kind"]]!(one))}\n`);
}
