"""`countersign bench-gateway`: the gateway's rate, beside the rates of other verifiers.

A run uses the modules in this order: `devices` (keys, enrolments, and the evidence, all made before
the clock starts), `bench_site` (a real broker and a real gateway), `mqtt_wire` and `load` (the
driver), `accounting` (CPU and memory), `answers` (whether and when every message was answered),
`peers` (the other verifiers) and `measurement`, which calls them all.
"""
