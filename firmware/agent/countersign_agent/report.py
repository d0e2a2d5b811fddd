"""The agent's story, one JSON object a line. Values are public: no secret is ever passed here."""

import json


def print_json_line(event: str, **fields) -> None:
    """Print {"event": event, …fields in alphabetical order…}. bytes are shown in hexadecimal."""
    parts = ['"event": ' + json.dumps(event)]
    for name in sorted(fields):
        value = fields[name]
        if isinstance(value, bytes):
            value = hex_text(value)
        parts.append(json.dumps(name) + ": " + json.dumps(value))
    print("{" + ", ".join(parts) + "}")


def hex_text(data: bytes) -> str:
    return "".join(["%02x" % byte for byte in data])
