package push

import (
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/trace"
)

// startTrace begins the push's trace, if traces are on, and tells the pusher its id.
func (p *push) startTrace(out io.Writer) {
	span := p.door.Traces.Start("push", p.options.Trace, p.began)
	if span == nil {
		return
	}
	span.Set("pushboat.repository", string(p.repo.Name()))
	span.Set("pushboat.push", p.session.ID())
	span.Set("pushboat.operator", p.session.Caller().Operator)
	p.judging = span.ChildAt("gate", p.began)
	p.mu.Lock()
	p.span = span
	p.mu.Unlock()
	fmt.Fprintln(out, "trace "+span.TraceID())
}

// traced is the span of the push; nil while there are no traces.
func (p *push) traced() *trace.Span {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.span
}

// traceJudged ends the span of the gate, and that of a push that is not accepted.
func (p *push) traceJudged(outcome Outcome) {
	p.judging.Set("pushboat.outcome", string(outcome))
	span := p.traced()
	if outcome == Refused || outcome == Abandoned {
		p.judging.Fail(string(outcome))
		span.Fail(string(outcome))
	}
	p.judging.End()
	if outcome != Accepted {
		span.End()
	}
}

// endTrace ends the span of the push. Deploys that nobody waits for go on in theirs.
func (p *push) endTrace() {
	span := p.traced()
	if p.unsuccessful() {
		span.Fail("not deployed")
	}
	span.End()
}
