"""A program written for openai_harmony, which test_compat.py runs unchanged."""

from openai_harmony import (
    Author,
    Conversation,
    DeveloperContent,
    HarmonyEncodingName,
    HarmonyError,
    Message,
    ReasoningEffort,
    RenderConversationConfig,
    Role,
    StreamableParser,
    StreamState,
    SystemContent,
    TextContent,
    ToolDescription,
    load_harmony_encoding,
)

encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)

system = SystemContent.new().with_reasoning_effort(ReasoningEffort.HIGH)
developer = DeveloperContent.new().with_function_tools(
    [ToolDescription.new("now", "Tells the time.", parameters={"type": "object"})]
)
messages = [
    Message.from_role_and_content(Role.SYSTEM, system),
    Message.from_role_and_content(Role.DEVELOPER, developer),
    Message.from_role_and_content(Role.USER, "What is 2 + 2?"),
    Message.from_role_and_content(Role.ASSISTANT, "{}")
    .with_channel("commentary")
    .with_recipient("functions.now")
    .with_content_type("<|constrain|>json"),
    Message.from_author_and_content(Author.new(Role.TOOL, "functions.now"), "noon")
    .with_channel("commentary")
    .with_recipient("assistant"),
]
conversation = Conversation.from_messages(messages)
config = RenderConversationConfig(auto_drop_analysis=False)
tokens = encoding.render_conversation_for_completion(
    conversation, Role.ASSISTANT, config=config
)
print(encoding.decode_utf8(tokens))

parser = StreamableParser(encoding, role=Role.ASSISTANT, strict=True)
completion = "<|channel|>final<|message|>4.<|return|>"
for token in encoding.encode(completion, allowed_special="all"):
    parser.process(token)
    print(parser.state, parser.current_channel, parser.last_content_delta)
assert parser.state is StreamState.EXPECT_START
(answer,) = parser.messages
assert answer.author.role == "assistant"
assert isinstance(answer.content[0], TextContent)
answer.recipient = None
try:
    parser.process(1)
except HarmonyError as error:
    print(error)

assert Message.from_dict(answer.to_dict()) == answer
assert Conversation.from_json(conversation.to_json()) == conversation
prompt = Conversation.from_messages(
    [
        Message.from_role_and_content(Role.SYSTEM, SystemContent.new()),
        Message.from_role_and_content(Role.USER, "What is 2 + 2?"),
    ]
)
count = len(encoding.render_conversation_for_completion(prompt, Role.ASSISTANT))
print(answer.channel, answer.content[0].text, count)
