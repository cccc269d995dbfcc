"""Who may act: roles, accounts, sessions and tokens. Off unless the setting `access` says so (docs/access.md)."""
