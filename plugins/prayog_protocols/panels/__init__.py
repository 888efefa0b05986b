"""What this topic draws: packets in every shape, whatever made them."""
