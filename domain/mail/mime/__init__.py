"""How a message is wrapped: header fields, parts, encodings. RFC 5322, 2045 to 2047 and 2231.

Real mail breaks all of these. Every function here is total (it never raises, whatever the bytes),
takes time in proportion to its input, and names what was wrong in a list of *defects*: short
technical phrases that never quote the message.

Why not the standard library's `email`: its header parsing ends at the first malformed line, so that
everything after it, Content-Type and attachments included, silently becomes text; it recurses as
deep as the sender likes; it writes attached messages anew instead of keeping their bytes; and its
`getaddresses` means something else from one patch release to the next, while what is read here
decides which message is which. Its decoders (`binascii`, `codecs`, dates) are used.
"""
