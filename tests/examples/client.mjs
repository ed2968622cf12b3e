// The client of npm against the example server: what test_npm.py runs. Prints a JSON
// object a line.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const model = "m";
const messages = [{ role: "user", content: "2 + 2?" }];
const weather = {
  name: "get_weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const print = (name, value) => console.log(JSON.stringify([name, value]));

const whole = await client.chat.completions.create({ model, messages });
print("chat", whole.choices[0].message);

const runner = client.chat.completions.stream({ model, messages });
let text = "";
runner.on("content", (delta) => (text += delta));
const message = await runner.finalMessage();
print("chat stream", [text, message.content]);

const run = client.chat.completions.runTools({
  model,
  messages,
  stream: true,
  tools: [
    {
      type: "function",
      function: { ...weather, parse: JSON.parse, function: ({ city }) => `sunny in ${city}` },
    },
  ],
});
print("chat tool", await run.finalContent());

const tools = [{ type: "function", ...weather }];
const first = await client.responses.create({ model, tools, input: "2 + 2?" });
const call = first.output.find((item) => item.type === "function_call");
print("call", [call.name, JSON.parse(call.arguments)]);

const kinds = [];
const stream = client.responses.stream({
  model,
  tools,
  previous_response_id: first.id,
  input: [{ type: "function_call_output", call_id: call.call_id, output: "sunny" }],
});
for await (const event of stream) kinds.push(event.type);
print("response stream", [(await stream.finalResponse()).output_text, kinds.at(-1)]);

const many = await Promise.all(
  Array.from({ length: 8 }, () => client.responses.create({ model, input: "2 + 2?" })),
);
print("together", many.map((response) => response.output_text));

const left = await client.chat.completions.create({ model, messages, stream: true });
for await (const chunk of left) if (chunk.choices[0].delta.content) break;
print("left", left.controller.signal.aborted);

const faults = [];
for (const request of [{ messages: [] }, { messages: [{ role: "x", content: "" }] }]) {
  await client.chat.completions
    .create({ model, ...request })
    .catch((error) => faults.push([error.status, error.param]));
}
print("faults", faults);
