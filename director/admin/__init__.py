"""The web admin: views (pure), the API, the pages, sessions, and the sites that serve them."""
