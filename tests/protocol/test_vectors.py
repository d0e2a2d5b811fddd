"""The committed vectors of the whole exchange: messages, refusals, statements, proofs, frames.

What they say is what another implementation is built on, so every runtime must say the same.
"""

import binascii

from countersign import identity, merkle, messages, reasons
from countersign.carriers import framing, kinds, topics
from countersign.proofs import coupons, faults, ring, schnorr, sigma
from support.protocol import vector_files

value_of = vector_files.value_of


def raw(text):
    return bytes.fromhex(text)


def test_every_message_is_read_made_and_believed():
    types = set()
    for case in vector_files.cases("messages"):
        what = case["name"] + ": " + case["what"]
        data = raw(case["message"])
        message = messages.open_message(data)
        types.add(message.type)
        assert (message.type, message.name) == (case["type"], case["name"]), what
        fields = dict([(name, value_of(value)) for name, value in case["fields"].items()])
        assert message.fields == fields, what
        assert message.signing_digest() == raw(case["signing_digest"]), what
        assert made_again(message.type, fields, message.signature) == data, what
        key = raw(case["public_key"])
        assert schnorr.verify(key, message.signing_digest(), message.signature), what
        device_id = fields.get("device_id", bytes(32))
        topic = topics.of("ward-7", device_id, message.definition.kind)
        assert topic == case["topic"], what
    assert types == set(messages.BY_TYPE)


def test_every_refusal_has_its_reason():
    for case in vector_files.cases("refused"):
        try:
            messages.open_message(raw(case["message"]))
        except reasons.Refused as refused:
            assert reasons.NAMES[refused.reason] == case["reason"], case["what"]
        else:
            raise AssertionError("accepted: " + case["what"])


def test_identities_and_the_statements_of_a_device():
    vectors = vector_files.load("statements")
    keys = vectors["keys"]
    public = {name: raw(keys[name]["public"]) for name in keys}
    for name in keys:
        assert schnorr.public_key(raw(keys[name]["secret"])) == public[name]
    device_id = identity.device_id(1, public["device"])
    next_digest = identity.next_key_digest(1, public["next"])
    assert device_id == raw(vectors["device_id"])
    assert next_digest == raw(vectors["next_key_digest"])
    assert identity.gateway_id(public["gateway"]) == raw(vectors["gateway_id"])

    case = vectors["registration"]
    digest = identity.registration_digest(
        case["chain_id"],
        raw(case["contract"]),
        device_id,
        raw(case["owner"]),
        case["device_class"],
        next_digest,
    )
    assert digest == raw(case["digest"])
    assert schnorr.verify(public["device"], digest, raw(case["signature"]))

    case = vectors["provisioning"]
    digest = identity.provisioning_digest(
        raw(case["challenge"]),
        device_id,
        next_digest,
        raw(case["hardware_digest"]),
        raw(case["config_digest"]),
    )
    assert digest == raw(case["digest"])
    assert schnorr.verify(public["device"], digest, raw(case["signature"]))


def test_commitment_batch_and_inclusion():
    vectors = vector_files.load("statements")
    case, batch = vectors["commitment"], vectors["batch"]
    subject = messages.digest(raw(case["message"]))
    leaf = messages.commitment(subject, messages.digest(raw(case["result"])))
    assert leaf == raw(case["commitment"])
    path = [raw(text) for text in batch["inclusion_proof"]]
    root = raw(batch["batch_root"])

    def included(leaf, index, size):
        return merkle.verify_inclusion(leaf, index, size, path, root)

    assert included(leaf, batch["leaf_index"], batch["tree_size"])
    for other in case["refused"]:
        changed = messages.commitment(subject, messages.digest(raw(other["result"])))
        assert not included(changed, batch["leaf_index"], batch["tree_size"]), other["what"]
    for other in batch["refused"]:
        assert not included(leaf, other["leaf_index"], other["tree_size"]), other["what"]
    # The chain of heads: sha256(head ‖ root ‖ size).
    chained = raw(batch["head_before"]) + root + batch["tree_size"].to_bytes(4, "big")
    assert messages.digest(chained) == raw(batch["head"])


def test_three_moves():
    case = vector_files.load("statements")["three_moves"]

    def checked(role, commitment, response):
        side = sigma.VerifierSide(
            raw(case["public_key"]),
            role,
            raw(case["verifier_id"]),
            raw(case["context"]),
            raw(case["challenge"]),
            lambda: 0,
            1000,
        )
        assert side.seal == raw(case["seal"])
        fault, challenge = side.challenge(commitment)
        if fault:
            return fault
        assert challenge == raw(case["challenge"])
        return side.check(response)

    response = raw(case["response_scalar"])
    assert checked(case["role"], raw(case["nonce_commitment"]), response) == faults.OK
    for other in case["refused"]:
        fault = checked(
            other["role"], raw(other["nonce_commitment"]), raw(other["response_scalar"])
        )
        assert faults.NAMES[fault] == other["fault"], other["what"]


def test_a_prover_answers_no_challenge_that_breaks_the_seal():
    case = vector_files.load("statements")["three_moves"]
    secret = raw(vector_files.load("statements")["keys"]["device"]["secret"])
    for broken in (False, True):
        side = sigma.ProverSide(
            schnorr.Prover(secret),
            case["role"],
            raw(case["verifier_id"]),
            raw(case["context"]),
            lambda: 0,
            1000,
        )
        fault, commitment = side.commit(raw(case["seal"]), raw(case["aux"]))
        assert (fault, commitment) == (faults.OK, raw(case["nonce_commitment"]))
        fault, response = side.respond(bytes(32) if broken else raw(case["challenge"]))
        assert fault == (faults.SEAL_BROKEN if broken else faults.OK)
        assert response == (None if broken else raw(case["response_scalar"]))


def test_ring_proof():
    case = vector_files.load("statements")["ring"]
    keys = [raw(key) for key in case["keys"]]
    site = raw(case["site"])
    assert ring.site_point(site) == raw(case["site_point"])
    assert raw(case["proof"])[: ring.TAG_BYTES] == raw(case["tag"])
    assert ring.check(keys, site, raw(case["message"]), raw(case["proof"])) == faults.OK
    for other in case["refused"]:
        fault = ring.check(
            [raw(key) for key in other["keys"]],
            raw(other["site"]),
            raw(other["message"]),
            raw(other["proof"]),
        )
        assert faults.NAMES[fault] == other["fault"], other["what"]


def test_a_prover_makes_the_ring_proof_and_the_coupon_of_the_page():
    vectors = vector_files.load("statements")
    case = vectors["ring"]
    prover = schnorr.Prover(raw(vectors["keys"]["device"]["secret"]))
    keys = [raw(key) for key in case["keys"]]
    made = ring.prove(prover, keys, raw(case["site"]), raw(case["message"]), raw(case["aux"]))
    assert made == raw(case["proof"])
    case = vectors["coupon"]
    serial = (case["boot_count"] << 64) + case["number"]
    pool = coupons.Coupons(prover, lambda: raw(case["aux"]), lambda: serial, 1)
    assert pool.prepare()
    signature = pool.sign(bytes(32))
    assert signature[:32] == raw(case["nonce_commitment"])
    assert schnorr.verify(prover.public_key, bytes(32), signature)


def test_frames():
    kinds_shown = set()
    reader = framing.FrameReader()
    taken = 0
    for case in vector_files.cases("frames"):
        if "stuffed" in case:
            assert framing._stuff(raw(case["content"])) == raw(case["stuffed"]), case["content"]
            assert framing._unstuff(raw(case["stuffed"])) == raw(case["content"]), case["content"]
        elif "also_taken" in case:
            assert framing._unstuff(raw(case["also_taken"])) == raw(case["content"])
            taken += 1
        elif "line" in case:
            frame = framing.Frame(
                case["kind"],
                case["session"],
                case["sequence"],
                case["behind"],
                raw(case["device_id"]),
                raw(case["payload"]),
            )
            assert framing.encode(frame) == raw(case["line"]), case["what"]
            (found,) = reader.feed(raw(case["line"]))
            assert described(found) == described(frame), case["what"]
            kinds_shown.add(frame.kind)
    assert reader.damaged == 0 and taken == 3
    assert kinds_shown == set([1, 2, 3, 16] + [kind.frame for kind in kinds.ALL])


def test_a_gateway_takes_larger_messages_to_refuse_them():
    shown = 0
    for case in vector_files.cases("frames"):
        if "large" not in case:
            continue
        shown += 1
        content = bytes([case["kind"]]) + case["session"].to_bytes(4, "big")
        content += case["sequence"].to_bytes(6, "big") + bytes([case["behind"]])
        content += raw(case["device_id"]) + bytes([case["byte"]]) * case["large"]
        content += binascii.crc32(content).to_bytes(4, "big")
        line = b"\x00" + framing._stuff(content) + b"\x00"
        del content
        assert messages.digest(line) == raw(case["line_sha256"]), case["what"]
        for most, is_frame in ((16384, case["is_frame"]), (2048, case["large"] <= 2048)):
            found = framing.FrameReader(most).feed(line)
            assert [len(frame.payload) for frame in found] == [case["large"]] * is_frame
    assert shown == 4


def test_noise_is_passed_over_and_the_next_frame_is_read():
    good = framing.encode(framing.Frame(framing.ACK, 7, 3))
    noise = [case for case in vector_files.cases("frames") if "noise" in case]
    assert noise
    for case in noise:
        found = framing.FrameReader().feed(raw(case["noise"]) + good)
        assert [frame.kind for frame in found] == [framing.ACK], case["what"]


def made_again(type, fields, signature):
    return messages.seal(type, fields, lambda _: signature)


def described(frame):
    return [
        frame.kind, frame.session, frame.sequence, frame.behind, frame.device_id, frame.payload,
    ]  # fmt: skip
