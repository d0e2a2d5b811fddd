"""Every statement that the gateway signs, each in its own file, and the signing key.

Every `seal` takes a Signer and returns the bytes of one whole message. A new statement needs a file
here and a definition in `countersign.messages`.
"""
