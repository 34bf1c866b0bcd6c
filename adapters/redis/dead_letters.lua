-- Read some dead letters, newest first.
--
-- ARGV[2]  the time of death (microseconds) from which on they are too new, or '+inf'.
-- ARGV[3]  the time of death up to which they are too old, or '-inf'.
-- ARGV[4]  how many at most.
-- Returns id, time of death, record and history of each.

local found = call('ZRANGE', DEAD, '(' .. ARGV[2], ARGV[3], 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[4], 'WITHSCORES')
local reply = {}
for i = 1, #found, 2 do
  local id = found[i]
  local letter = { id, found[i + 1], call('HGET', DEAD_JOBS, id) or '', call('HGET', DEAD_HISTORY, id) }
  for _, value in ipairs(letter) do
    reply[#reply + 1] = value
  end
end
return reply
