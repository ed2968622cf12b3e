"""Make weather.json and weather.tokens.json again, by asking the reference.

Run with a Python that has openai-harmony 0.0.8, and TIKTOKEN_ENCODINGS_BASE set to
the folder of o200k_base.tiktoken:

    python test-data/make_weather.py            # write
    python test-data/make_weather.py --check    # only compare; exit 1 if different
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def conversation(module: Any) -> Any:
    """Return the conversation, as objects of either library."""
    message, author = module.Message, module.Author
    assistant, tool = module.Role.ASSISTANT, module.Role.TOOL
    system = module.SystemContent.new().with_conversation_start_date("2025-06-28")
    developer = module.DeveloperContent.new().with_instructions(
        "Always answer in one sentence."
    )
    return module.Conversation.from_messages(
        [
            message.from_role_and_content(module.Role.SYSTEM, system),
            message.from_role_and_content(module.Role.DEVELOPER, developer),
            message.from_role_and_content(
                module.Role.USER, "What's the weather like in Zürich?"
            ),
            message.from_role_and_content(
                assistant, "The user wants the weather: call get_weather."
            ).with_channel("analysis"),
            message.from_role_and_content(assistant, '{"location": "Zürich"}')
            .with_channel("commentary")
            .with_recipient("functions.get_weather")
            .with_content_type("<|constrain|>json"),
            message.from_author_and_content(
                author.new(tool, "functions.get_weather"),
                '{"temperature": 20, "sky": "☀️"}',
            )
            .with_channel("commentary")
            .with_recipient("assistant"),
            message.from_role_and_content(
                assistant, "It's sunny in Zürich, at 20 °C. ☀️"
            ).with_channel("final"),
        ]
    )


def files() -> dict[str, str]:
    """Return the text of both files, by their names."""
    module = importlib.import_module("openai_harmony")
    encoding = module.load_harmony_encoding(module.HarmonyEncodingName.HARMONY_GPT_OSS)
    talk = conversation(module)
    tokens = encoding.render_conversation_for_completion(talk, module.Role.ASSISTANT)
    form = talk.to_dict()
    for message in form["messages"]:
        if message["name"] is None:
            del message["name"]
    text = json.dumps(form, indent=2, ensure_ascii=False)
    return {"weather.json": text + "\n", "weather.tokens.json": f"{tokens}\n"}


def main() -> int:
    """Write both files, or compare them with what would be written."""
    different = 0
    for name, text in files().items():
        path = FOLDER / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif path.read_text(encoding="utf-8") != text:
            print(f"{name} is not what {Path(__file__).name} writes")
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
