"""Amazon Bedrock's Converse wire: its models, encoder and decoder are pure; only the transport talks."""
