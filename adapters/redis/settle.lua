-- Settle claims: say what becomes of their jobs.
--
-- ARGV[2…]  of each claim: what becomes of its job, its member among the leases, when the job is due
--           again (milliseconds; of one that is left to others, in how many), and why.
-- Returns 1 for each claim that was settled, and 0 for each that was not held any more.

local EACH = 4
local done = {} -- ids of jobs to forget

local function delay(id, lane, history, due)
  remember(id, history)
  call('ZADD', DELAYED, due, lane .. '/' .. id)
  count(WAITING, lane, 1)
end

local become = {}

function become.retry(id, lane, history, due, attempt, reason)
  history.attempts = attempt
  add_reason(history, reason)
  delay(id, lane, history, due)
end

function become.defer(id, lane, history, due, attempt, reason)
  become.retry(id, lane, history, due, attempt - 1, reason)
end

function become.leave(id, lane, history, due_in, attempt, reason)
  become.defer(id, lane, history, digits(now + due_in), attempt, reason)
end

function become.release(id, lane, history, _, attempt)
  history.attempts = attempt - 1
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
    local what, due, reason = ARGV[EACH * i - 2], ARGV[EACH * i], ARGV[EACH * i + 1]
    if what == 'acknowledge' then
      done[#done + 1] = id
    else
      become[what](id, lane, recall(id, token), due, tonumber(attempt), reason)
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
