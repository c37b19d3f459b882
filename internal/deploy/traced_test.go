package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/record"
)

// TestTracesThatAreOffCostADeployNothing: without a trace, stages and waits allocate nothing.
func TestTracesThatAreOffCostADeployNothing(t *testing.T) {
	run := newRun("shop", 1)
	defer run.finish(record.Record{Result: record.Deployed})
	run.traceIn(nil)
	if n := testing.AllocsPerRun(100, func() {
		run.spans.enterLocked(stageSettling, run.started)
		run.spans.waitLocked("its objects to become healthy")
		run.spans.waitLocked(takesObjects)
		run.spans.leaveLocked()
	}); n > 0 {
		t.Errorf("a stage takes %v allocations", n)
	}
	if id := run.traceID(); id != "" {
		t.Errorf("the deploy is in the trace %q", id)
	}
	var none *Run
	none.enter(stageJudging)
	none.leave()
}
