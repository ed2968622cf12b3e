"""Hypothesis strategies: every object of the data model.

Text here has no lone surrogates (they change on their way through JSON, which has a
test of its own), integers have at most 64 bits, which is what JSON text can hold.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harmony.contents import (
    ChannelConfig,
    DeveloperContent,
    ReasoningEffort,
    SystemContent,
    TextContent,
)
from harmony.messages import Author, Conversation, Message, Role
from harmony.tools import ToolDescription, ToolNamespaceConfig

text = st.text(max_size=12)
optional_text = st.none() | text
roles = st.sampled_from(Role)
reasoning_efforts = st.sampled_from(ReasoningEffort)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=8,
)
json_dicts = st.dictionaries(text, json_values, max_size=3)

authors = st.builds(Author, roles, optional_text)
tool_descriptions = st.builds(
    ToolDescription, text, optional_text, st.none() | json_dicts
)
tool_namespaces = st.builds(
    ToolNamespaceConfig, text, optional_text, st.lists(tool_descriptions, max_size=3)
)
tool_dicts = st.none() | st.dictionaries(text, tool_namespaces, max_size=2)
channel_configs = st.builds(ChannelConfig, st.lists(text, max_size=3), st.booleans())

text_contents = st.builds(TextContent, text)
system_contents = st.builds(
    SystemContent,
    model_identity=optional_text,
    reasoning_effort=st.none() | reasoning_efforts,
    conversation_start_date=optional_text,
    knowledge_cutoff=optional_text,
    channel_config=st.none() | channel_configs,
    tools=tool_dicts,
)
developer_contents = st.builds(DeveloperContent, optional_text, tool_dicts)
contents = text_contents | system_contents | developer_contents

messages = st.builds(
    Message,
    authors,
    st.lists(contents, max_size=3),
    optional_text,
    optional_text,
    optional_text,
)
conversations = st.builds(Conversation, st.lists(messages, max_size=4))
