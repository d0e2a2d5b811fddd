"""Everything that the gateway signs, one statement a file, and the key that it signs with.

Every `seal` takes a Signer and returns the bytes of one whole message. A new statement is a file
here and a definition in `countersign.messages`.
"""
