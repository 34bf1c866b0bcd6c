-- Settle claims: say what becomes of their jobs.
--
-- ARGV[2…]  of each claim: what becomes of its job, its member among the leases, in how many
--           milliseconds the job is due again, and why.
-- Returns 1 for each claim that was settled, and 0 for each that was not held any more.

local EACH = 4
local done = {} -- ids of jobs to forget

local become = {}

function become.defer(id, lane, history, delay, _, reason)
  add_reason(history, reason)
  remember(id, history)
  if delay == '0' then
    give_back(id, lane, history)
  else
    call('ZADD', DELAYED, digits(now + delay), lane .. '/' .. id)
    count(WAITING, lane, 1)
  end
end

function become.retry(id, lane, history, delay, attempt, reason)
  history.attempts = attempt
  become.defer(id, lane, history, delay, attempt, reason)
end

function become.crashed(id, lane, history, delay, attempt, reason)
  history.solo_crashes = (history.solo_crashes or 0) + 1
  become.defer(id, lane, history, delay, attempt, reason)
end

function become.release(id, lane, history)
  remember(id, history)
  give_back(id, lane, history)
end

function become.bury(id, lane, history, _, attempt, reason)
  history.attempts = attempt
  history.lane = lane
  add_reason(history, reason)
  call('HSET', DEAD_JOBS, id, call('HGET', JOBS, id) or '')
  call('HSET', DEAD_HISTORY, id, cjson.encode(history))
  count(BURIED, lane, call('ZADD', DEAD, time_of_death(), id))
  done[#done + 1] = id
end

-- The member is the whole proof: it holds the token, and only one claim ever had that.
local members, seen = {}, {}
for i = 2, #ARGV, EACH do
  members[#members + 1] = ARGV[i + 1]
end
local leases = call('ZMSCORE', LEASES, unpack(members))
local held, settled = {}, {}
for i, member in ipairs(members) do
  local is_held = leases[i] and not seen[member]
  seen[member] = true
  settled[i] = is_held and 1 or 0
  if is_held then
    held[#held + 1] = member
  end
end
call_with_all('ZREM', LEASES, held)

local ended, lanes = {}, {}
for i, member in ipairs(members) do
  if settled[i] == 1 then
    local token, attempt, lane, id = parts_of(member)
    local what, delay, reason = ARGV[EACH * i - 2], ARGV[EACH * i], ARGV[EACH * i + 1]
    if what == 'acknowledge' then
      done[#done + 1] = id
    else
      become[what](id, lane, recall(id, token), delay, tonumber(attempt), reason)
    end
    if not ended[lane] then
      lanes[#lanes + 1] = lane
    end
    ended[lane] = (ended[lane] or 0) + 1
  end
end
call_with_all('HDEL', JOBS, done)
call_with_all('HDEL', HISTORY, done)
end_in(lanes, ended)
wake()
return settled
