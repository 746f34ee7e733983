"""Trained files with their cards: how one is made, and what the command says of them."""
