"""Network protocols: captures read to the last bit, and real conversations to capture; see `engine`."""
