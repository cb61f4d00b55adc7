"""Every section and key of the ini, once: what it takes, what it defaults to, what it does."""
