"""Capture files: read by offset, dissected on demand, and written.

`pcap` and `pcapng` find the records, `columns` reads the headers of all of them at once, `capture` is the whole.
"""
