"""`countersign bench-gateway`: what the gateway does in a second, beside what others do in one.

The parts, in the order in which a run uses them: `devices` (keys, enrolments, evidence made
before the clock starts), `bench_site` (a real broker and a real gateway), `mqtt_wire` and `load`
(the driver), `accounting` (CPU and memory), `answers` (was every message answered, and when?),
`peers` (the same second spent otherwise) and `measurement`, which tells the story.
"""
