"""`countersign bench-proof`: what a proof costs on each kind of board, with each engine.

`boards` runs a script on an emulated board and knows what that board can count; `measure` asks for
the figures (`on_board` is the part that runs there); `spread` shows that the prover's time does not
depend on its secret; `table` holds the native engine to committed figures; `places` tells the
story.
"""
