"""Tables: reading and checking of result files, Markdown output."""
