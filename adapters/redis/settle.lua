-- Settle claims: say what becomes of their jobs.
--
-- ARGV[2…]  of each claim: what becomes of its job, its member among the leases, when the job is due
--           again (milliseconds), and why.
-- Returns 1 for each claim that was settled, and 0 for each that was not held any more.

local function delay(id, lane, history, due)
  remember(id, history)
  call('ZADD', DELAYED, due, lane .. '/' .. id)
  count(WAITING, lane, 1)
end

local become = {}

function become.acknowledge(id)
  call('HDEL', JOBS, id)
  call('HDEL', HISTORY, id)
end

function become.retry(id, lane, history, due, attempt, reason)
  history.attempts = attempt
  add_reason(history, reason)
  delay(id, lane, history, due)
end

function become.defer(id, lane, history, due, attempt, reason)
  become.retry(id, lane, history, due, attempt - 1, reason)
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
  count(BURIED, lane, call('ZADD', DEAD, now, id))
  become.acknowledge(id)
end

local settled = {}
for i = 2, #ARGV, 4 do
  local what, member, due, reason = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local id, lane, attempt, history = end_claim(member)
  if id then
    become[what](id, lane, history, due, attempt, reason)
    if call('EXISTS', ARRIVED .. lane, RETURNED .. lane) > 0 then
      offer(lane)
    end
  end
  settled[#settled + 1] = id and 1 or 0
end
wake()
return settled
