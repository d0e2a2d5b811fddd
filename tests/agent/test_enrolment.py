"""Enrolment, from the device's side."""

from countersign import identity, reasons
from countersign_agent.keys.stored_records import StoredRecords
from support.agent.memory_site import OTHER_SECRET, OWNER
from support.agent.rig import Rig
from support.protocol.statements import CHAIN_ID, CONTRACT

REGISTRATION = {"chain_id": CHAIN_ID, "contract": CONTRACT, "owner": OWNER, "device_class": 1}


def test_enrols_by_challenge_and_then_checks_in():
    rig = Rig()
    rig.run_until("enrolled")
    verdict = rig.run_until("verdict", 2)
    assert rig.gateway.names() == ["EnrolRequest", "EnrolProof", "Evidence"]
    assert verdict["allow"] is True
    assert verdict["reason"] == "ACCEPTED"
    assert verdict["mode"] == "online"
    assert rig.key_store.enrolled_gateway() == rig.gateway.gateway_id
    wanted = ["connected", "enrol_requested", "challenge_received", "proof_sent", "verdict"]
    assert rig.names()[:6] == wanted + ["enrolled"]


def test_an_emulated_device_says_so():
    rig = Rig()
    rig.run_until("verdict", 2)
    request = rig.gateway.received[0][1].fields
    evidence = rig.gateway.received[2][1].fields
    assert request["environment"] == identity.ENVIRONMENT_EMULATED
    assert evidence["environment"] == identity.ENVIRONMENT_EMULATED


def test_signs_the_registration_that_the_challenge_carries():
    rig = Rig()
    rig.gateway.registration = REGISTRATION  # the gateway checks the signature
    rig.run_until("enrolled")
    assert rig.all("challenge_received")[0]["registration"] is True


def test_does_not_sign_a_registration_under_another_owner():
    rig = Rig(owner="11" * 20)
    rig.gateway.registration = REGISTRATION
    rig.run_until("registration_refused")
    assert "EnrolProof" not in rig.gateway.names()


def test_a_challenge_of_another_signer_has_no_effect():
    rig = Rig()
    rig.gateway.secret = OTHER_SECRET
    rig.run_until("ignored")
    rig.run_for(1000)
    assert rig.gateway.names() == ["EnrolRequest"]


def test_a_challenge_for_an_earlier_request_has_no_effect():
    rig = Rig()
    rig.run_until("enrolled")
    old = [entry for entry in rig.gateway.received if entry[0] == "EnrolRequest"][0][1]
    rig.gateway._on_request(rig.device_id, old)
    ignored = rig.run_until("ignored")
    assert ignored["why"] == "a challenge for no request of ours"
    assert rig.gateway.names().count("EnrolProof") == 1


def test_starts_again_when_no_challenge_comes():
    rig = Rig()
    rig.gateway.is_silent = True
    rig.run_until("timed_out", 2)
    rig.gateway.is_silent = False
    rig.run_until("enrolled")
    nonces = [
        message.fields["request_nonce"]
        for name, message, _ in rig.gateway.received
        if name == "EnrolRequest"
    ]
    assert len(nonces) == len(set(nonces)) >= 3


def test_an_enrolled_device_does_not_enrol_again_after_a_reboot():
    rig = Rig()
    rig.run_until("enrolled")
    rig.boot()
    rig.run_until("verdict", 2)
    assert rig.gateway.names().count("EnrolRequest") == 1


def test_a_gateway_that_forgot_the_device_makes_it_enrol_again():
    rig = Rig()
    rig.run_until("verdict", 2)
    rig.gateway.refuse_with = reasons.UNKNOWN_DEVICE
    rig.run_until("refused")
    rig.gateway.refuse_with = None
    rig.run_until("enrolled", 2)
    rig.run_until("verdict", 4)


def test_another_gateway_means_another_enrolment():
    rig = Rig()
    rig.key_store.set_enrolled_gateway(b"\x55" * 32)
    rig.boot()
    rig.run_until("enrolled")


def test_a_damaged_enrolment_record_means_enrolling_again():
    rig = Rig()
    rig.run_until("enrolled")
    rig.storage.files["enrolment"] = b"\x00" * 70
    rig.boot()
    rig.run_until("enrolment_record_damaged")
    rig.run_until("enrolled", 2)


def test_a_revoked_device_stops():
    rig = Rig()
    rig.gateway.deny_with = reasons.REVOKED
    rig.run_until("stopped")
    assert not rig.agent.step()
    assert rig.all("verdict")[0]["allow"] is False


def test_a_refused_emulator_asks_again_slowly():
    rig = Rig()
    rig.gateway.deny_with = reasons.EMULATED_REFUSED
    rig.run_for(30000)
    assert rig.gateway.names().count("EnrolProof") == 1
    rig.run_for(60000)
    assert rig.gateway.names().count("EnrolProof") == 2


def test_a_refused_next_key_is_reported_and_asked_for_slowly():
    rig = Rig()
    rig.gateway.refuse_with = reasons.BAD_NEXT_KEY
    assert rig.run_until("refused")["reason"] == "BAD_NEXT_KEY"
    rig.run_for(30000)
    assert rig.gateway.names().count("EnrolRequest") == 1


def test_a_device_that_nobody_admitted_asks_soon_and_then_slowly():
    for reason in (reasons.NOT_ADMITTED, reasons.AWAITING_APPROVAL):
        rig = Rig()
        rig.gateway.refuse_with = reason
        rig.run_for(3000)
        asked = rig.gateway.names().count("EnrolRequest")
        assert 2 <= asked <= 5
        rig.run_for(600000)
        # By now once or twice a minute.
        asked = rig.gateway.names().count("EnrolRequest")
        rig.run_for(600000)
        assert 10 <= rig.gateway.names().count("EnrolRequest") - asked <= 21
        rig.gateway.refuse_with = None
        rig.run_until("enrolled")


def test_no_secret_is_ever_reported():
    rig = Rig()
    rig.run_until("verdict", 2)
    identity_record = rig.storage.files["identity"]
    text = repr(rig.events)
    _, secret, next_secret, _ = StoredRecords(rig.storage).load("identity", 2, 4)
    for key in (secret, next_secret):
        assert key in identity_record
        assert repr(key)[2:-1] not in text
        assert "".join(["%02x" % byte for byte in key]) not in text
