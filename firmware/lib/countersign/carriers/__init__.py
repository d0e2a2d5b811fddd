"""The carriers of messages: a broker's topics, and the frames and links of a line."""
