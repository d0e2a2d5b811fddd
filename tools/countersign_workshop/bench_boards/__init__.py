"""What emulated boards do at a site: `countersign bench-boards` and `countersign soak`.

`heard` reads what a board said and did to its flash; `site` is a gateway at the other end of its
line; `life` switches a board on and waits for its check-ins; `figures` makes numbers of that for
the bench, `wear` and `trend` those of a long run, which is `soak`.
"""
