"""OpenAI and the servers that speak like it: a folder a wire, and the transport that the wires share."""
