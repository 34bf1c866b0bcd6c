"""The pointer queue on Redis 6.2 or newer, or Valkey: its steps are the Lua scripts beside this."""
