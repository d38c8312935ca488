"""From bytes to frames and JSON values: what the providers' wires have in common."""
