"""What can go wrong with the embedded model, told apart by when: before a request, or while it is answered."""


class LocalSetupError(Exception):
    """The embedded model cannot be used as asked: runtime or weights missing, unreadable, or without a needed ability.

    `message` says what to do about it and is never empty.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LocalGenerationError(Exception):
    """The runtime gave up on one request; `message` is its own word on why and is never empty."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
