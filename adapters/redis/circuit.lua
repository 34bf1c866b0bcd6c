-- Read the circuit of a source.
--
-- ARGV[2]  the source.
-- Returns the time (microseconds), and the circuit; empty if there is none.

return { digits(microseconds), call('HGET', root .. ':stored', ARGV[2]) or '' }
