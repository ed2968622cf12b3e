/** What the page begins with. */
import type { Message } from "harmony-format";

const WEATHER = {
  type: "object",
  properties: {
    city: { type: "string", description: "Where to look" },
    unit: {
      type: "string",
      enum: ["celsius", "fahrenheit"],
      default: "celsius",
    },
  },
  required: ["city"],
};
const CHAT = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is the weather in Zürich?" },
  ],
  tools: [
    {
      type: "function",
      function: {
        name: "get_weather",
        description: "Tells it.",
        parameters: WEATHER,
      },
    },
  ],
  reasoning_effort: "low",
};
const RESPONSES = { instructions: "Be brief.", input: "What is 2 + 2?" };
const CONVERSATION = {
  messages: [
    {
      role: "system",
      content: [{ type: "system_content", reasoning_effort: "High" }],
    },
    {
      role: "developer",
      content: [
        { type: "developer_content", instructions: "Answer in one sentence." },
      ],
    },
    { role: "user", content: "Why is the sky blue?" },
  ],
};
const REPLY =
  "<|channel|>analysis<|message|>They want the weather.<|end|>" +
  "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json" +
  '<|message|>{"city":"Zürich"}<|call|>' +
  "<|start|>assistant<|channel|>final odd words<|message|>Sunny ☀️, 20 °C.<|return|>";
const MESSAGES: Message[] = [
  { role: "user", content: "What is 2 + 2?" },
  { role: "assistant", channel: "analysis", content: "Simple addition." },
  { role: "assistant", channel: "final", content: "2 + 2 = 4." },
  { role: "user", content: "And 東京 👩‍🚀?" },
];

function text(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

export const EXAMPLES = {
  tab: "write",
  kind: "messages" as string,
  messages: MESSAGES,
  texts: {
    conversation: text(CONVERSATION),
    chat: text(CHAT),
    responses: text(RESPONSES),
  },
  reply: REPLY,
  role: "assistant",
  recover: true,
  schema: text(WEATHER),
  complete: false,
};
