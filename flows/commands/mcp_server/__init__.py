"""A server of read-only tools for language models' clients (Model Context Protocol)."""
