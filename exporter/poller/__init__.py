"""Polling: one loop a workspace, which reads pages, keeps accounts and publishes snapshots."""
