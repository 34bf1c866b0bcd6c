"""What Postroom knows of mail, with no idea of how it is stored, queued or fetched.

Pure: standard library only, no clock, no I/O. Every function here is total over its types.
"""
