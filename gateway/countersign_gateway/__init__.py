"""The Countersign gateway: verifies what devices prove, decides, records, and anchors.

The folders are the stages, in the order that data takes:
ingress, verification, governance, registry, anchoring, serving. A stage never imports a later one.
"""
