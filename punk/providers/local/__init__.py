"""The embedded local model: a small instruct model run in this process by llama.cpp (extra `local`)."""
