"""The file formats of xncaps, and what reads and writes them; numpy alone.

Files may come from strangers: every size and offset is checked before it is used, nothing is
unpickled, and what does not fit is one DataError of one line. Importing this package loads nothing.
"""
