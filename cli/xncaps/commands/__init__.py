"""The command `xncaps`: one module a command; parse, call, print, no logic."""
