"""Tabs of the page: layout, events and their handlers."""
