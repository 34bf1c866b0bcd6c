-- Read every circuit: a source and its circuit in turn.

return call('HGETALL', root .. ':stored')
