"""The agent's event log, one JSON object a line. Values are public: no caller passes a secret.

started             device_id, boot_count, engine, environment, entropy, name, software_version
key_made            device_id, public_key
not_configured      do
cannot_start        error, why, do: what to do next; the exit status is 2
connected
reconnecting        delay_ms, why
enrol_requested
challenge_received  registration: whether the gateway asks for a registration signature
registration_refused  owner
proof_sent          counter
enrolled            gateway_id
evidence_sent       counter, beacon_sequence
verdict             message (enrol_proof or evidence), counter, allow, reason, mode, age_s,
                    policy_version, revocation_epoch
refused             message, counter, reason: an Error of the gateway
reading_left_out    why, name (null: the sensor itself failed); count: since the last such line
beacon_missing      tries: how often the device has asked for one; after a few it reconnects
session_contested   count: of sessions in a row that ended soon. Another client may have this
                    device's name at the broker
wifi_reset          tries: connections over which nothing came
timed_out           message, counter: no answer came, and the device asks anew
receipt_verified    message, counter, sequence, leaf_index, tree_size, proof_hashes,
                    batch_root, chain_id, contract, block_number, transaction_hash
receipt_refused     counter, reason (text)
ignored             kind (end of the topic), why, count: since the last such line
enrolment_record_damaged  why
closed_without_goodbye    why
service             do: the prompt comes at the next start, or is there
service_challenge   challenge, device_id, provisioner: what an unlock signs (service.py)
service_refused     why
erasing             the files, before the prompt
stopped             reason; why and do, as for cannot_start
restarting          delay_ms until the board is reset; after an unexpected fault: error, why, where
"""

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
