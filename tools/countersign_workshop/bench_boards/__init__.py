"""What emulated boards do at a site: `countersign bench-boards` and `countersign soak`.

`heard` reads what a board said and did to its flash. `running_gateway` is a gateway at the other
end of the board's line. `life` switches a board on and waits for its check-ins. `figures` computes
the bench's numbers. `wear` and `trend` compute those of a long run, which `soak` makes.
"""
