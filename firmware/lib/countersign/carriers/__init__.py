"""What carries a message: topics of a broker, frames and links of a line."""
