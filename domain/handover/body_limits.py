"""How large the parts of a body may be. Together they keep it under what web servers take.

Sizes in bytes are of UTF-8, and of lists as they are written in JSON.
"""

KIBIBYTE = 2**10

MAX_TEXT = 256 * KIBIBYTE
MAX_HTML = 512 * KIBIBYTE
MAX_HEADERS = 128 * KIBIBYTE

MAX_ADDRESSES = 1_000
"""In all fields together."""

MAX_ADDRESSES_SIZE = 128 * KIBIBYTE
MAX_ADDRESS = 320
"""Characters: 64, the `@`, and 255 (RFC 3696 section 3). What is longer is no address."""

MAX_NAME = 255
"""Characters of the name of a person or of a file."""

MAX_SUBJECT = 2_000
"""Characters. RFC 5322 allows 998 in a line."""

MAX_IDS_SIZE = 16 * KIBIBYTE
"""Of the message ids in one list."""

MAX_ATTACHMENTS = 200
MAX_ATTACHMENTS_SIZE = 256 * KIBIBYTE
"""Without what they hold."""

MAX_FIELD = 998
"""Characters of any other text that a sender writes: a line of RFC 5322."""

MAX_SOURCE = 1_024
"""Characters of an id of the provider."""

MAX_LABELS = 100
