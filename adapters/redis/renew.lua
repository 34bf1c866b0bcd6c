-- Hold on to claims for another lease from now.
--
-- ARGV[2]   the lease, in milliseconds.
-- ARGV[3…]  the members of the claims among the leases.
-- Returns 1 for each claim that is held, and 0 for each that is lost.

go_on_when_full()
outlast_outage(tonumber(ARGV[2]))
local held = {}
for i = 3, #ARGV do
  local is_held = call('ZSCORE', LEASES, ARGV[i])
  if is_held then
    call('ZADD', LEASES, now + ARGV[2], ARGV[i])
  end
  held[#held + 1] = is_held and 1 or 0
end
return held
