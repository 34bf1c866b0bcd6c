"""The providers, played on this machine: for the demo, the tests, and a first look around.

Each is as strict as the provider's own documents, which it names, and the provider's own client
library is run against it (tests/emulators). Nothing that serves real mail imports it.
"""
