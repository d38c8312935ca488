"""The models: one file a vendor, and the table by which `Chat()` picks one."""
