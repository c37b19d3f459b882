package deploy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// told writes a course as a text.
func (c *course) told(at time.Duration) string {
	var parts []string
	for _, s := range c.until(at) {
		text := fmt.Sprintf("%s %g+%g", s.Name, s.At, s.Seconds)
		for _, w := range s.Waits {
			text += fmt.Sprintf(" (%s %g+%g)", w.For, w.At, w.Seconds)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// TestCourse: a deploy's stages follow each other, each with its waits, by what is waited for.
func TestCourse(t *testing.T) {
	c := &course{}
	if got := c.told(2 * time.Second); got != "queued 0+2" {
		t.Errorf("in the queue: %s", got)
	}
	c.enter(stageJudging, 2*time.Second)
	c.enter(stageApplying, 2*time.Second+time.Millisecond) // judging was too short to tell of
	c.waitFor(takesObjects, 2*time.Second)
	c.waitFor("its objects to become healthy", 3*time.Second)
	c.waitFor("Deployment shop/db: 0 of 1 pod ready", 3*time.Second+time.Millisecond) // the wait before was too short
	c.waitFor("Deployment shop/db: 0 of 1 pod ready\nImagePullBackOff", 4*time.Second)
	c.waitFor("Deployment shop/web: 0 of 1 pod ready", 5*time.Second)
	if got, want := c.told(6*time.Second), "queued 0+2, applying 2.001+3.999 (Deployment shop/db 3.001+1.999) (Deployment shop/web 5+1)"; got != want {
		t.Errorf("while it goes on: got %s, want %s", got, want)
	}
	c.waitFor(takesObjects, 7*time.Second)
	c.leave(8 * time.Second)
	c.waitFor("nothing that counts between stages", 8*time.Second)
	c.enter(stageRecording, 8*time.Second)
	if got, want := c.told(8*time.Second), "queued 0+2, applying 2.001+5.999 (Deployment shop/db 3.001+1.999) (Deployment shop/web 5+2)"; got != want {
		t.Errorf("at its end: got %s, want %s", got, want)
	}
}

func TestCourseIsBounded(t *testing.T) {
	c := &course{}
	c.enter(stageSettling, 0)
	for i := range 100 {
		c.waitFor(fmt.Sprintf("Pod shop/%d%s", i, strings.Repeat("ü", 1000)), time.Duration(i)*time.Second)
	}
	stages := c.until(100 * time.Second)
	waits := stages[len(stages)-1].Waits
	if len(waits) != maxWaits || len(waits[0].For) > maxWaitFor {
		t.Fatalf("%d waits, the first for %q", len(waits), waits[0].For)
	}
	if last := waits[maxWaits-1]; last.At+last.Seconds != 100 {
		t.Errorf("the last wait does not go on: %+v", last)
	}
}
