-- Queue dead letters again, as if they had just arrived. If a job is queued already, that will do.
--
-- ARGV[2…]  their ids.
-- Returns 1 for each, or 0 if there is no such dead letter.

-- The first write of all needs memory, so a full server refuses the whole batch.
local function queue_again(id, lane, history, record)
  if call('HSETNX', JOBS, id, record) == 1 then
    history.lane, history.attempts, history.order = nil, nil, nil
    history.crashes, history.solo_crashes = nil, nil
    add_reason(history, 'redriven')
    remember(id, history)
    call('RPUSH', ARRIVED .. lane, id)
    offer({ lane })
  end
end

local reply = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local history, record = letter_of(id)
  if history then
    local lane = history.lane
    queue_again(id, lane, history, record)
    forget_letter(id, lane)
  end
  reply[#reply + 1] = history and 1 or 0
end
wake()
return reply
