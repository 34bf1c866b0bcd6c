-- Read a page of the dead letters, newest first.
--
-- ARGV[2], ARGV[3]  the first and the last of the page, counted from 0.
-- Returns id, record and history of each.

local reply = {}
for _, id in ipairs(call('ZREVRANGE', DEAD, ARGV[2], ARGV[3])) do
  local letter = { id, call('HGET', DEAD_JOBS, id), call('HGET', DEAD_HISTORY, id) }
  for _, value in ipairs(letter) do
    reply[#reply + 1] = value
  end
end
return reply
