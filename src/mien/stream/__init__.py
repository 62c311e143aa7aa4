"""Recognition over many files: find them, recognise them in batches, follow faces through videos, write what is found.

Nothing here prints; `mien recognise` shows it. Memory does not grow with the number of files.
"""
