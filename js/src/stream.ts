/** A stream of tokens as a stream of segments. */
import type { Role } from "./contents.js";
import type { HarmonyEncoding } from "./encoding.js";
import { type ParserOptions, type Segment, StreamableParser } from "./parser.js";
import type { Tokens } from "./wasm.js";

/**
 * Takes tokens, one by one or many at once, and gives the text they complete.
 *
 *     for await (const {channel, text} of tokens.pipeThrough(
 *       new SegmentStream(encoding, "assistant", {onError: "recover"})))
 *       if (channel === "final") write(text);
 *
 * `parser` knows all that was taken; its memory is given back with it.
 */
export class SegmentStream extends TransformStream<number | Tokens, Segment> {
  readonly parser: StreamableParser;

  constructor(
    encoding: HarmonyEncoding,
    role: Role | null = null,
    options: ParserOptions = {},
  ) {
    const parser = new StreamableParser(encoding, role, options);
    super({
      transform(tokens, controller) {
        const fed = typeof tokens === "number" ? [tokens] : tokens;
        for (const segment of parser.feed(fed)) controller.enqueue(segment);
      },
      flush(controller) {
        for (const segment of parser.finish()) controller.enqueue(segment);
      },
    });
    this.parser = parser;
  }
}
