"""The fault path: where a request goes when no server of its pool can take it (`chain`)."""
