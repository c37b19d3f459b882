package deploy

// HandOver says, before Stop, that another server is about to take over. Callers that
// wait for a deploy that Stop interrupts are told that, and not that it failed.
func (e *Engine) HandOver() { e.handsOver.Store(true) }

// HandedOver reports whether another server continues the deploy.
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

// interruption says why the server interrupts a deploy, and how the deploy continues.
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
