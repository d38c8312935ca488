"""Google's Gemini wire, as the Gemini API and Vertex speak it: its encoder and decoder are pure; transports talk."""
