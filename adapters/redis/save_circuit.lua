-- Put a circuit in the place of another, if that one is there.
--
-- ARGV[2]  the source.
-- ARGV[3]  the circuit that is to be there; empty for none.
-- ARGV[4]  the circuit that takes its place; empty for none.
-- ARGV[5]  how many are stored at most.
-- Returns 1 if the new one is there now (put there by this call, or the same by another), else 0.

local STORED = root .. ':stored' -- hash: source -> circuit
local source, before, after = ARGV[2], ARGV[3], ARGV[4]

local stored = call('HGET', STORED, source) or ''
if stored ~= before then
  return (stored == after and after ~= '') and 1 or 0
end
if after == '' then
  call('HDEL', STORED, source)
  return 1
end
if stored == '' and call('HLEN', STORED) >= tonumber(ARGV[5]) then
  call('HDEL', STORED, call('HRANDFIELD', STORED))
end
call('HSET', STORED, source, after)
return 1
