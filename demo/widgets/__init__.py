"""Components and HTML fragments that the tabs share."""
