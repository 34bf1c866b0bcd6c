-- Forget dead letters for good.
--
-- ARGV[2…]  their ids.
-- Returns 1 for each, or 0 if there is no such dead letter.

local reply = {}
for i = 2, #ARGV do
  local history = letter_of(ARGV[i])
  if history then
    forget_letter(ARGV[i], history.lane)
  end
  reply[#reply + 1] = history and 1 or 0
end
return reply
