-- Read one dead letter.
--
-- ARGV[2]  its id.
-- Returns its id, time of death, record and history, or nothing if there is none.

local id = ARGV[2]
local died = call('ZSCORE', DEAD, id)
if not died then
  return {}
end
return { id, died, call('HGET', DEAD_JOBS, id) or '', call('HGET', DEAD_HISTORY, id) }
