"""Calls applications over HTTP: one signed POST a message (Standard Webhooks 1.0.0)."""
