package jsonscan

// Memory returns how many bytes the scanner keeps for the next text.
func (s *Scanner) Memory() int { return cap(s.unescaped) + cap(s.rewritten) + cap(s.joined) }

// Keys returns for how many keys the scanner keeps memory.
func (s *Scanner) Keys() int { return cap(s.keys) }
