-- Pause a lane, unless it is paused for longer.
--
-- ARGV[2]  the lane.
-- ARGV[3]  when the pause ends (milliseconds), or 'inf'.
-- ARGV[4]  why.
-- Returns 1, or 0 if the lane is paused for longer.

local lane, ends = ARGV[2], ARGV[3]
local stands = call('ZSCORE', PAUSED, lane)
if stands and tonumber(stands) > tonumber(ends) then
  return 0
end
call('ZADD', PAUSED, ends, lane)
call('HSET', PAUSE_REASONS, lane, ARGV[4])
return 1
