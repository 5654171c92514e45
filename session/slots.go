package session

// slots are the rights to have a workspace open. Everything here is under the
// lock of the Manager.
type slots struct {
	max, taken int
	freeing    int      // how many of those taken will soon be given back
	queue      []*claim // who waits for one; never more than freeing
}

// claim is a slot that is taken or waited for.
type claim struct {
	granted chan struct{} // closed when it is taken
}

// take takes a slot if one is free.
func (s *slots) take() *claim {
	if s.taken >= s.max {
		return nil
	}
	s.taken++
	c := &claim{granted: make(chan struct{})}
	close(c.granted)
	return c
}

// wait puts a claim in the queue.
func (s *slots) wait() *claim {
	c := &claim{granted: make(chan struct{})}
	s.queue = append(s.queue, c)
	return c
}

// give hands a slot that was taken to whoever has waited longest.
func (s *slots) give() {
	if len(s.queue) == 0 {
		s.taken--
		return
	}
	c := s.queue[0]
	s.queue = s.queue[1:]
	close(c.granted)
}

// withdraw takes a claim back, granted or not.
func (s *slots) withdraw(c *claim) {
	for i, q := range s.queue {
		if q == c {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			return
		}
	}
	s.give()
}
