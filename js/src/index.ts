/**
 * The harmony response format of OpenAI's gpt-oss models: conversations to
 * tokens, and tokens back to messages. Requests and replies of OpenAI's APIs are
 * in `harmony-format/chat` and `harmony-format/responses`.
 */
export type {
  ChannelConfig,
  Content,
  Conversation,
  DeveloperContent,
  Message,
  ParsedMessage,
  ReasoningEffort,
  ResponseFormat,
  Role,
  SystemContent,
  TextContent,
  ToolDescription,
  ToolNamespace,
} from "./contents.js";
export {
  type ConversationLike,
  HarmonyEncoding,
  type RenderOptions,
} from "./encoding.js";
export {
  DecodeError,
  EncodeError,
  HarmonyError,
  ParseError,
  RenderError,
  ValueError,
  VocabularyError,
} from "./errors.js";
export { JsonNumber, JsonObject, readJson } from "./json.js";
export { loadHarmonyEncoding, type LoadOptions, type Source } from "./load.js";
export {
  type EndToken,
  type MessageTokens,
  type ParserOptions,
  type ParseWarning,
  type RecipientCount,
  type Segment,
  StreamableParser,
  type StreamState,
  type TokenCount,
  type WarningKind,
} from "./parser.js";
export type { Schemas } from "./prompts.js";
export type { DropAnalysis, RenderConfig } from "./rendering.js";
export type { SpecialOptions } from "./special.js";
export { SegmentStream } from "./stream.js";
export { browserTool, pythonTool } from "./tools.js";
export type { Tokens } from "./wasm.js";
