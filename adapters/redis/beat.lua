-- Store a number in the partition, unless it holds a higher one.
--
-- ARGV[2]  the number.
-- ARGV[3]  the name of this call: if it is sent again, it is answered as the first time.
-- Returns the number that was held before; empty if there was none.

local BEAT = root .. ':beat' -- hash: the number, the one before it, and the call that stored it
local held, before, stored_by = unpack(call('HMGET', BEAT, 'number', 'before', 'call'))
if stored_by == ARGV[3] then
  return before
end
if held and tonumber(held) >= tonumber(ARGV[2]) then
  return held
end
call('HSET', BEAT, 'number', ARGV[2], 'before', held or '', 'call', ARGV[3])
return held or ''
