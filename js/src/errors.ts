/**
 * What can go wrong.
 *
 *     Error
 *     ├── HarmonyError            anything this library could not do
 *     │   ├── VocabularyError     no usable vocabulary, or no usable module
 *     │   ├── EncodeError         text spells a special token that is not allowed
 *     │   ├── DecodeError         unknown token id, or bytes that are not UTF-8
 *     │   ├── RenderError         a conversation that has no token form
 *     │   └── ParseError          tokens that are not a conversation
 *     └── TypeError
 *         └── ValueError          a wrong value in what was given, by its path
 */

/** Base class of what the library could not do. */
export class HarmonyError extends Error {
  override name = "HarmonyError";
}

/** The vocabulary or the WebAssembly module is not what it should be. */
export class VocabularyError extends HarmonyError {
  override name = "VocabularyError";
}

/** The text spells a special token that the caller has not allowed. */
export class EncodeError extends HarmonyError {
  override name = "EncodeError";
}

/** The conversation has no token form, such as a tool without a name. */
export class RenderError extends HarmonyError {
  override name = "RenderError";
}

/** An error about one token of a sequence. */
class TokenError extends HarmonyError {
  constructor(
    message: string,
    readonly position: number | null = null,
  ) {
    super(message);
  }
}

/**
 * A token id outside the vocabulary, or tokens that are not valid UTF-8.
 * `position` is the index of the token, or null where none is to blame.
 */
export class DecodeError extends TokenError {
  override name = "DecodeError";
}

/**
 * Tokens that do not form messages. `position` is the index of the token among
 * all tokens fed so far, or null where none is to blame.
 */
export class ParseError extends TokenError {
  override name = "ParseError";
}

/**
 * A wrong value in what was given. The message begins with `path`, the place of
 * the value, such as `messages[1].content[0].type`.
 */
export class ValueError extends TypeError {
  override name = "ValueError";

  constructor(
    readonly path: string,
    readonly complaint: string,
  ) {
    super(`${path}: ${complaint}`);
  }
}
