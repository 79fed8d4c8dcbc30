"""The plan: a graph of df nodes whose SQL still has references as data."""
