"""tagged_sha256 matches BIP-340 for every tag and every way to split the data."""

import hashlib

from countersign.tagged import tagged_sha256
from support.protocol import vector_files


def test_vectors():
    for case in vector_files.load("tagged"):
        parts = [bytes.fromhex(part) for part in case["parts"]]
        assert tagged_sha256(case["tag"], *parts) == bytes.fromhex(case["digest"]), case["tag"]


def test_definition():
    tag = hashlib.sha256(b"countersign/Test/1").digest()
    expected = hashlib.sha256(tag + tag + b"data").digest()
    assert tagged_sha256("countersign/Test/1", b"data") == expected
    # The second call uses the stored prefix of the tag.
    assert tagged_sha256("countersign/Test/1", b"data") == expected


def test_parts_are_joined():
    whole = tagged_sha256("countersign/Test/1", b"abcdef")
    assert tagged_sha256("countersign/Test/1", b"abc", b"", b"def") == whole
    assert tagged_sha256("countersign/Test/1", bytearray(b"abc"), memoryview(b"def")) == whole


def test_tags_separate():
    assert tagged_sha256("a", b"data") != tagged_sha256("b", b"data")
    assert tagged_sha256("a", b"bdata") != tagged_sha256("ab", b"data")
    assert tagged_sha256("a") != hashlib.sha256(b"").digest()
