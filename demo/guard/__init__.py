"""Access control: hosts, routes, sizes, uploads, error messages."""
