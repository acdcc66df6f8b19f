"""Which kinds of files are understood, with a tiny example of each: what the page shows before a file is chosen."""

from __future__ import annotations

import streamlit as st

EXAMPLES = (
    (
        "Comments of a survey",
        "reviews",
        "One row a comment. A rating from 1 to 5, an id and a date are taken where there are any.",
        "id,comment,rating,date\n1,Waited two hours,2,2026-03-01\n2,Kind and quick,5,2026-03-02",
    ),
    (
        "Pairs",
        "compare_arrows",
        "One object a pair, or a list of them: a prompt with the preferred and the other answer.",
        '{"prompt": "Reset my password?",\n "chosen": "Open Settings, then …",\n "rejected": "No idea."}',
    ),
    (
        "Conversations",
        "forum",
        "The same with several turns: lists of messages with a role and a content.",
        '{"prompt": [{"role": "user", "content": "Hi"}],\n "chosen": [{"role": "assistant", "content": "…"}],\n'
        ' "rejected": [{"role": "assistant", "content": "…"}]}',
    ),
    (
        "Judged pairs",
        "gavel",
        "Two answers with what annotators or a judge chose: 1, 2, or 0 for a tie.",
        '{"idx": 17, "instruction": "Add.", "input": "2 and 3",\n "response1": "5", "response2": "Six",\n'
        ' "annotator1": 1, "annotator2": 0}',
    ),
    (
        "Message trees",
        "account_tree",
        "Conversations with ranked replies and thumbs, as Open Assistant publishes them.",
        '{"message_tree_id": "t", "prompt": {"role": "prompter",\n "text": "Hi", "replies": [{"role": "assistant",\n'
        ' "text": "Hello.", "rank": 0}, …]}}',
    ),
    (
        "Transcripts",
        "article",
        "Two whole transcripts that begin alike, as in the HH data sets; the last answer is what differs.",
        '{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello, …",\n "rejected": "\\n\\nHuman: Hi\\n\\nAssistant: No."}',
    ),
)


def draw() -> None:
    st.caption("CSV, JSON, JSONL and Parquet are understood, also packed with gzip. Nothing leaves this machine.")
    with st.grid(2, min_column_width=320):
        for title, icon, sentence, example in EXAMPLES:
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.markdown(f"**:material/{icon}: {title}**")
                st.caption(sentence)
                st.code(example, language=None, wrap_lines=True)
