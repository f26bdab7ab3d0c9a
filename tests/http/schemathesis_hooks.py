"""What schemathesis needs to know of the two streams: how a body is written, and what rows look like."""
import json
import os

import schemathesis
from hypothesis import strategies as st

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda text: text.strip(" \t\r\n\f\v"))
ROWS = st.lists(st.fixed_dictionaries({"text": WORDS, "label": st.sampled_from(["a", "b"])}), max_size=5)
LINES = ROWS.map(lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode())
TABLE = ROWS.map(lambda rows: "text,label\n" + "".join('"' + row["text"].replace('"', '""') + f'",{row["label"]}\n' for row in rows))


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.serializer("text/csv")
def table(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


# The examples phase refuses operations whose media types have strategies of their own.
if os.environ["SCHEMATHESIS_PHASES"] != "examples":
    schemathesis.openapi.media_type("application/x-ndjson", LINES)
    schemathesis.openapi.media_type("text/csv", TABLE.map(str.encode))
