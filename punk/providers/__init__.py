"""A folder a vendor: what its wire says (pure), and how it is reached (transport)."""
