"""`countersign bench-proof`: what a proof costs on each kind of board, with each engine.

`boards` runs a script on an emulated board and knows what can be counted there. `measure` asks for
the figures, and `on_board` is the part that runs on the board. `spread` shows that the prover's
time does not depend on its secret. `table` compares the native engine with committed figures.
`places` measures everywhere and prints the result.
"""
