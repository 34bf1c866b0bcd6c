-- Resume a lane that is paused, or on probation.
--
-- ARGV[2]  the lane.
-- Returns 1, or 0 if it was neither.

local was_on_probation = call('HDEL', PROBATION, ARGV[2])
local lifted = lift_pause(ARGV[2])
wake()
return math.max(lifted, was_on_probation)
