"""What people do at a running gateway: a socket on its own machine, and the acts that it takes.

    countersign device …  ──▶ control/gateway.sock ──▶ server.py ──▶ the pipeline's thread ──▶ acts/

The socket lies beside the registry, and the file's permissions are the authority: whoever may open
it may act. The pipeline's thread, the one writer, carries acts out between two groups of messages,
so that an act sees and changes the same state as the messages do. acts/ has the table of all acts;
a later command, or the console, uses the same socket.
"""
