-- Store a number in the partition, unless it holds a higher one, or has lost what it must hold.
--
-- ARGV[2]  the number.
-- ARGV[3]  the name of this call: if it is sent again, it is answered as the first time.
-- ARGV[4]  the floor: where a lower number is held, or none, that stays.
-- ARGV[5]  whether a server that starts again may lack what it acknowledged: 1 or 0.
-- Returns the number that was held before (empty if there was none), and whether another server took
-- the last beat that may have acknowledged what this one lacks: 1 or 0.

local BEAT = root .. ':beat' -- hash: the number, the one before it, and the call and server that stored it
local held, before, stored_by, server = unpack(call('HMGET', BEAT, 'number', 'before', 'call', 'server'))
if stored_by == ARGV[3] then
  return { before, 0 }
end
local run_id = string.match(call('INFO', 'server'), 'run_id:(%w+)') or ''

-- One that started again as what it was has all that is in its file. One that was a replica has what
-- had reached it: such a server tells of the history that it goes on from.
local function may_lack()
  if not server or server == run_id then
    return false
  end
  local history = string.match(call('INFO', 'replication'), 'master_replid2:(%w+)') or ''
  return ARGV[5] == '1' or string.match(history, '[^0]') ~= nil
end

local number, floor = tonumber(held or 0), tonumber(ARGV[4])
if floor > 0 and (number < floor or may_lack()) then
  return { held or '', number < floor and 0 or 1 }
end
local stored = held and number >= tonumber(ARGV[2]) and held or ARGV[2]
call('HSET', BEAT, 'number', stored, 'before', held or '', 'call', ARGV[3], 'server', run_id)
return { held or '', 0 }
