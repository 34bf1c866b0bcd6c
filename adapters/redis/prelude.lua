-- Goes before every other script: the keys of the partition, the time, and the steps that are shared.
--
-- KEYS[1]  the root of the partition's keys (or of what else has scripts). Each key begins with it and
--          has its hash tag, so that all lie in one slot of a cluster. It must be no key itself: see
--          docs/adr/0022.
-- ARGV[1]  microseconds to add to the server's time: 0, except in tests.
--
-- A lane is written `tenant/mailbox`. A lane with a job to hand out is on offer (in the rings), or at
-- its cap (it is put on offer again when one of its jobs in flight ends), or paused. One that is at its
-- cap or paused may be on offer all the same: the claim whose turn it is takes it off again. The cap of
-- a lane on probation is one.

local call = redis.call
local root = KEYS[1]

local JOBS = root .. ':jobs' -- hash: id -> record, of all that waits or is in flight
local HISTORY = root .. ':history' -- hash: id -> what a job that came back has behind it
local ARRIVED = root .. ':arrived:' -- list for each lane: ids never claimed yet, oldest first
local RETURNED = root .. ':returned:' -- sorted set for each lane: ids that came back, by first token
local TENANTS = root .. ':tenants' -- list, a ring: tenants with a lane on offer
local LANES = root .. ':lanes:' -- list for each tenant, a ring: its lanes on offer
local OFFERED = root .. ':offered' -- set: the lanes on offer
local CAPPED = root .. ':capped' -- set: lanes taken off the ring at their cap, with jobs left
local LEASES = root .. ':leases' -- sorted set: `token/attempt/lane/id` by end of lease (see outlast_outage)
local RUNNING = root .. ':running' -- hash: lane -> jobs in flight
local DELAYED = root .. ':delayed' -- sorted set: `lane/id` by due time
local WAITING = root .. ':waiting' -- hash: lane -> delayed jobs
local DEAD = root .. ':dead' -- sorted set: id by time of death (microseconds), which no two share
local DEAD_JOBS = root .. ':dead:jobs' -- hash: id -> record
local DEAD_HISTORY = root .. ':dead:history' -- hash: id -> its history, with its lane
local BURIED = root .. ':buried' -- hash: lane -> dead letters
local PAUSED = root .. ':paused' -- sorted set: paused lanes by the end of the pause
local PAUSE_REASONS = root .. ':paused:reasons' -- hash: lane -> why it is paused
local PROBATION = root .. ':probation' -- hash: lane -> since when it has been on probation
local TOKEN = root .. ':token' -- the last fencing token given out, and when a worker was last heard of
local WAKE = root .. ':wake' -- list: holds an element while there is work on offer

local MOST_REASONS = 32 -- that are kept of a job: deferrals have no end of their own

local clock = call('TIME')
local microseconds = clock[1] * 1000000 + clock[2] + ARGV[1]
local now = math.floor(microseconds / 1000) -- milliseconds, as all times in the keys are

-- Numbers over 14 digits must not be left to Lua, which would write them as 1.7e+15.
local function digits(number)
  return string.format('%.0f', number)
end

-- A full server refuses a script whose first write may need memory. This write needs none, so that
-- what is queued can be worked off.
local function go_on_when_full()
  call('SREM', OFFERED, '')
end

-- Call a command that takes any number of values (singles or pairs) with as many as Lua can pass on.
local function call_with_all(name, key, values)
  for first = 1, #values, 1000 do
    call(name, key, unpack(values, first, math.min(first + 999, #values)))
  end
end

-- The replies of a command that has one for each value.
local function ask_for_all(name, key, values)
  if #values <= 1000 then
    return #values > 0 and call(name, key, unpack(values)) or {}
  end
  local replies = {}
  for first = 1, #values, 1000 do
    for _, reply in ipairs(call(name, key, unpack(values, first, math.min(first + 999, #values)))) do
      replies[#replies + 1] = reply
    end
  end
  return replies
end

local function set_counts(counts, of, lanes)
  local some, none = {}, {}
  for _, lane in ipairs(lanes) do
    if of[lane] > 0 then
      some[#some + 1], some[#some + 2] = lane, of[lane]
    else
      none[#none + 1] = lane
    end
  end
  call_with_all('HSET', counts, some)
  call_with_all('HDEL', counts, none)
end

local function count(counts, lane, by)
  local now_there = tonumber(call('HGET', counts, lane) or 0) + by
  set_counts(counts, { [lane] = now_there }, { lane })
end

local function group(lanes)
  local tenants, of = {}, {}
  for _, lane in ipairs(lanes) do
    local tenant = string.match(lane, '^[^/]*')
    if not of[tenant] then
      of[tenant] = {}
      tenants[#tenants + 1] = tenant
    end
    table.insert(of[tenant], lane)
  end
  return tenants, of
end

-- Give lanes a place in the ring, unless they have one: their turn comes when it has gone round.
local function offer(lanes)
  local new = {}
  for i, is_offered in ipairs(ask_for_all('SMISMEMBER', OFFERED, lanes)) do
    if is_offered == 0 then
      new[#new + 1] = lanes[i]
    end
  end
  call_with_all('SADD', OFFERED, new)
  local tenants, of = group(new)
  local new_tenants = {}
  for _, tenant in ipairs(tenants) do
    if call('RPUSH', LANES .. tenant, unpack(of[tenant])) == #of[tenant] then
      new_tenants[#new_tenants + 1] = tenant
    end
  end
  call_with_all('RPUSH', TENANTS, new_tenants)
end

-- Whoever takes the element and leaves work behind puts out another, so that one wakes the next.
local function wake()
  if call('EXISTS', TENANTS) == 1 and call('LLEN', WAKE) == 0 then
    call('RPUSH', WAKE, '')
  end
end

-- What a job has behind it; *token* is that of the claim that ends now.
local function recall(id, token)
  local text = call('HGET', HISTORY, id)
  local history = text and cjson.decode(text) or { reasons = {} }
  history.order = history.order or token
  history.reclaimed = nil
  return history
end

local function add_reason(history, reason)
  table.insert(history.reasons, { now, reason })
  if #history.reasons > MOST_REASONS then
    table.remove(history.reasons, 1)
  end
end

local token_read
local function last_token()
  token_read = token_read or tonumber(call('GET', TOKEN) or 0)
  return token_read
end

-- Tokens rise, and are above any that were given out before: even after a failover that forgot some,
-- since none is given out sooner than its microsecond. Returns the one before the first of so many.
local function new_tokens(number)
  local last = math.max(last_token(), microseconds)
  token_read = last + number
  call('SET', TOKEN, digits(token_read))
  return last
end

-- Prolong to one lease from now, once, what was last renewed half of one ago or earlier. Its end is no
-- whole number from then on, until it is renewed.
local function prolong(lease)
  local latest, prolonged = digits(now + lease / 2), {}
  local leases = call('ZRANGEBYSCORE', LEASES, '-inf', latest, 'WITHSCORES')
  for i = 1, #leases, 2 do
    if tonumber(leases[i + 1]) % 1 == 0 then
      prolonged[#prolonged + 1], prolonged[#prolonged + 2] = digits(now + lease) .. '.5', leases[i]
    end
  end
  call_with_all('ZADD', LEASES, prolonged)
end

-- Workers claim or renew three times in a lease. If none has done so for half of one, they could not:
-- this server was away, or they were. Then no lease runs out before its holder could be heard of again.
local function outlast_outage(lease)
  local unheard = now - last_token() / 1000
  if unheard <= lease / 4 or call('EXISTS', LEASES) == 0 then
    return
  end
  if unheard > lease / 2 then
    prolong(lease)
  end
  new_tokens(0)
end

-- A token, so that whoever reads the letters page by page sees none twice, were the clock set back.
local function time_of_death()
  return digits(new_tokens(1) + 1)
end

-- Token, attempt, lane and id of a claim.
local function parts_of(member)
  return string.match(member, '^([^/]*)/([^/]*)/([^/]*/[^/]*)/(.*)$')
end

-- What a dead letter has behind it, with its lane, and its record; nil if there is none.
local function letter_of(id)
  local text = call('HGET', DEAD_HISTORY, id)
  if text then
    return cjson.decode(text), call('HGET', DEAD_JOBS, id) or ''
  end
end

-- Its first write needs no memory, so that a full server can be rid of letters.
local function forget_letter(id, lane)
  call('ZREM', DEAD, id)
  call('HDEL', DEAD_JOBS, id)
  call('HDEL', DEAD_HISTORY, id)
  count(BURIED, lane, -1)
end

local function remember(id, history)
  call('HSET', HISTORY, id, cjson.encode(history))
end

-- Put a job back to the head of its lane, among the others that came back by age.
local function give_back(id, lane, history)
  call('ZADD', RETURNED .. lane, history.order, id)
  offer({ lane })
end

local function has_jobs(lane)
  return call('EXISTS', ARRIVED .. lane, RETURNED .. lane) > 0
end

-- Returns 1, or 0 if the lane was not paused.
local function lift_pause(lane)
  call('HDEL', PAUSE_REASONS, lane)
  local lifted = call('ZREM', PAUSED, lane)
  if has_jobs(lane) then
    offer({ lane })
  end
  return lifted
end

-- So many claims have ended in each of some lanes: where that makes room, the lane is on offer again.
local function end_in(lanes, ended)
  local left, freed = {}, {}
  local running, capped = ask_for_all('HMGET', RUNNING, lanes), ask_for_all('SMISMEMBER', CAPPED, lanes)
  for i, lane in ipairs(lanes) do
    left[lane] = tonumber(running[i] or 0) - ended[lane]
    if capped[i] == 1 then
      freed[#freed + 1] = lane
    end
  end
  set_counts(RUNNING, left, lanes)
  call_with_all('SREM', CAPPED, freed)
  offer(freed)
end
