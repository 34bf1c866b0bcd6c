-- Resume a paused lane.
--
-- ARGV[2]  the lane.
-- Returns 1, or 0 if it was not paused.

local lifted = lift_pause(ARGV[2])
wake()
return lifted
