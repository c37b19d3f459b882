package deploy

// HandOver says, before Stop, that another server is about to go on in this one's place.
// Whoever waits for a deploy that Stop interrupts is told so, and not that it failed.
func (e *Engine) HandOver() { e.handsOver.Store(true) }

// HandedOver reports whether another server goes on with the deploy.
func (r *Run) HandedOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handedOver
}

func (r *Run) handOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handedOver = true
}

// interruption says why a deploy ends that the server has interrupted, and what becomes
// of it.
func (at *attempt) interruption() string {
	run := at.job.run
	switch {
	case at.job.kind == testJob:
		return "the server is stopping; the tests were not run"
	case at.engine.handsOver.Load():
		run.handOver()
		return "another server goes on with the deploy; follow it there: ssh HOST logs -f " + run.ID()
	}
	return "the server is stopping; the deploy goes on when it starts again"
}
