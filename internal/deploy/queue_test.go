package deploy

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// pushed adds a run to a queue, and returns the deploy of a push with it.
func pushed(q *queue) *job {
	j := newJob(record.CausePush, access.Caller{Operator: "ana"})
	j.run = q.newRun()
	return j
}

func TestJobsOfCauses(t *testing.T) {
	for cause, want := range map[record.Cause]jobType{
		record.CausePush: deployJob, record.CauseSync: deployJob, record.CauseRollback: deployJob, record.CauseResume: deployJob,
		record.CauseSchedule: checkJob, record.CauseDrift: checkJob, record.CauseRetry: checkJob, record.CauseStart: checkJob,
	} {
		j := systemJob(cause)
		if j.kind != want || j.checks() != (want != deployJob) {
			t.Errorf("%s is of kind %d", cause, j.kind)
		}
	}
}

func TestEntryOfJobs(t *testing.T) {
	deploy, check, look := systemJob(record.CausePush), systemJob(record.CauseSchedule), &job{kind: lookJob}
	for _, test := range []struct {
		name    string
		next, j *job
		want    entry
	}{
		{"a deploy, into an empty queue", nil, deploy, overtakes},
		{"a deploy after a deploy", deploy, deploy, overtakes},
		{"a deploy after a check", check, deploy, overtakes},
		{"a deploy after a look", look, deploy, overtakes},
		{"a check, into an empty queue", nil, check, comesNext},
		{"a check after a deploy", deploy, check, adopted},
		{"a check after a check", check, check, adopted},
		{"a check after a look", look, check, comesNext},
		{"a look, into an empty queue", nil, look, comesNext},
		{"a look after a deploy", deploy, look, adopted},
		{"a look after a check", check, look, adopted},
		{"a look after a look", look, look, adopted},
	} {
		if got := entryOf(test.next, test.j); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestTheNewestDeployOvertakes(t *testing.T) {
	q := newQueue("shop")
	first, second := pushed(q), pushed(q)
	q.add(systemJob(record.CauseSchedule)) // this job has no run that has to be ended
	q.add(first)
	q.add(systemJob(record.CauseDrift))
	q.add(second)
	got, overtaken := q.take()
	if got != second || !slices.Equal(overtaken, []*job{first}) {
		t.Errorf("took %v and overtook %v; want the newest push, and the one before it", got, overtaken)
	}
	if first.run.Number != 1 || second.run.Number != 2 {
		t.Errorf("the deploys are numbered %d and %d", first.run.Number, second.run.Number)
	}
	if again, overtaken := q.take(); again != nil || overtaken != nil {
		t.Errorf("then took %v and overtook %v", again, overtaken)
	}
}

func TestWhatAJobAdopts(t *testing.T) {
	q := newQueue("shop")
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	asks := func(fresh time.Time, depth Depth) *job {
		j := systemJob(record.CauseCheck)
		j.fresh, j.depth, j.askers = fresh, depth, []chan Finding{make(chan Finding, 1)}
		return j
	}
	q.add(asks(late, BySight))
	q.add(asks(early, ByTrial))
	q.add(asks(early, byInventory))
	deploy := pushed(q)
	q.add(deploy)
	got, _ := q.take()
	if got != deploy || got.fresh != late || got.depth != ByTrial || len(got.askers) != 3 {
		t.Errorf("took %+v; want a push that sees as of the latest time, in the greatest depth, for three askers", got)
	}
	check := asks(late, ByTrial)
	if other := check.instead(record.CauseStart); other.cause != record.CauseStart || len(other.askers) != 1 || len(check.askers) != 0 {
		t.Errorf("the overtaken job became %+v, of %+v", other, check)
	}
}

func TestLooksAreGathered(t *testing.T) {
	q := newQueue("shop")
	look := func(name string, times int) { q.addLook(manifest.ID{Name: name}, Fight{Times: times}) }
	look("a", 1)
	look("b", 1)
	look("a", 2)
	j, _ := q.take()
	if j.kind != lookJob || len(j.looks) != 2 || j.looks[manifest.ID{Name: "a"}].Times != 2 {
		t.Errorf("took %+v; want one look at a and b, as they were told of last", j)
	}
	if j.widen(); j.kind != checkJob || j.looks != nil {
		t.Errorf("widened to %+v", j)
	}
	look("c", 1)
	q.add(systemJob(record.CauseSchedule))
	if j, _ := q.take(); j.kind != checkJob || j.looks != nil {
		t.Errorf("took %+v; a check of all sees what a look was to see", j)
	}
	look("d", 1)
	if j, _ := q.take(); len(j.looks) != 1 {
		t.Errorf("looks at %v; c has been looked at", j.looks)
	}
}

func TestADeployEndsTheWaitBeforeIt(t *testing.T) {
	q := newQueue("shop")
	wait, done := q.wait(t.Context())
	q.add(systemJob(record.CauseSchedule))
	if wait.Err() != nil {
		t.Fatal("the check ended the wait for health")
	}
	q.add(pushed(q))
	if !errors.Is(context.Cause(wait), apply.ErrSuperseded) {
		t.Fatalf("the wait goes on: %v", context.Cause(wait))
	}
	done()
	if late, done := q.wait(t.Context()); !errors.Is(context.Cause(late), apply.ErrSuperseded) {
		t.Error("a deploy that was queued a moment before did not end the wait")
	} else {
		done()
	}
}

func TestCancelEndsTheWaitAtWork(t *testing.T) {
	q := newQueue("shop")
	cancel := func() *Run {
		run, _ := q.cancel(access.Caller{Operator: "dora"})
		return run
	}
	if cancel() != nil {
		t.Error("cancelled although no job runs")
	}
	j := pushed(q)
	q.add(j)
	if q.take(); cancel() != nil {
		t.Error("cancelled although the job does not wait yet")
	}
	wait, done := q.wait(t.Context())
	if cancel() != j.run || apply.CancelledBy(wait) != "dora" {
		t.Errorf("the wait's cause is not the cancel: %v", context.Cause(wait))
	}
	if done(); cancel() != nil {
		t.Error("cancelled although the job does not wait any more")
	}
	_, done = q.wait(t.Context())
	j.run.finish(record.Record{})
	if cancel() != nil {
		t.Error("cancelled a job that has ended")
	}
	done()
	q.rest()

	tests := newRun("shop", 1)
	q.addTests(tests)
	q.take()
	if _, done := q.wait(t.Context()); cancel() != tests {
		t.Error("the tests were not cancelled")
	} else {
		done()
	}
	q.rest()
	q.add(systemJob(record.CauseSchedule))
	q.take()
	if _, done := q.wait(t.Context()); cancel() != nil {
		t.Error("cancelled a check that shows nothing")
	} else {
		done()
	}
}

func TestTestsComeLast(t *testing.T) {
	q := newQueue("shop")
	if run := newRun("shop", 1); !q.addTests(run) || q.addTests(run) {
		t.Error("the second request for tests was queued")
	}
	q.add(pushed(q))
	for _, want := range []jobType{deployJob, testJob} {
		<-q.wake // each job has a signal
		if j, _ := q.take(); j == nil || j.kind != want {
			t.Fatalf("took %+v, want kind %d", j, want)
		}
		if working, _ := q.load(); working != (want == deployJob) {
			t.Errorf("working: %v, at kind %d", working, want)
		}
		q.rest()
	}
}

func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("shop")
		if err := q.awaitRest(t.Context()); err != nil {
			t.Fatal(err)
		}
		q.add(systemJob(record.CauseSchedule))
		q.add(pushed(q))
		rested := make(chan error, 1)
		go func() { rested <- q.awaitRest(t.Context()) }()
		for _, step := range []func(){func() { q.take() }, func() { q.add(systemJob(record.CauseDrift)) }, q.rest, func() { q.take() }} {
			step()
			if synctest.Wait(); len(rested) > 0 {
				t.Fatal("the queue rests while a job is queued or runs")
			}
		}
		q.rest()
		if err := <-rested; err != nil {
			t.Error(err)
		}
		q.add(systemJob(record.CauseDrift))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.awaitRest(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait did not end with its context: %v", err)
		}
		q.newest.finish(record.Record{})
	})
}

func TestChangesAreSeenLaterWhileAJobIsAtWork(t *testing.T) {
	q := newQueue("shop")
	id := manifest.ID{Name: "a"}
	if q.seeLater(id) {
		t.Error("an idle queue puts a change off")
	}
	q.add(systemJob(record.CauseSchedule))
	q.take()
	if !q.seeLater(id) {
		t.Error("a check that runs does not put a change off")
	}
	q.rest()
	if unseen := q.takeUnseen(); len(unseen) != 1 || !unseen[id] || q.takeUnseen() != nil {
		t.Errorf("got %v, and once", unseen)
	}
}

func TestRunsAreNumberedAndFound(t *testing.T) {
	q := newQueue("shop")
	q.countFrom(7)
	q.countFrom(3)
	if q.runOf(0) != nil || q.newestRun() != nil {
		t.Error("a queue without runs returned a run")
	}
	first := pushed(q)
	q.add(first)
	q.take()
	second := q.newRun()
	for number, want := range map[int]*Run{8: first.run, 9: second, 0: second, 7: nil} {
		if got := q.runOf(number); got != want {
			t.Errorf("run %d: got %v", number, got)
		}
	}
	if !q.isDeploying() || q.newestRun() != second {
		t.Error("while the job deploys, the newest run is another")
	}
	if q.rest(); q.isDeploying() || q.runOf(8) != nil {
		t.Error("after the job has ended, the queue still deploys")
	}
	q.add(systemJob(record.CauseSchedule))
	if q.take(); q.isDeploying() {
		t.Error("a check deploys")
	}
}

func TestDrainLeavesNothing(t *testing.T) {
	q := newQueue("shop")
	first, second := pushed(q), pushed(q)
	q.add(first)
	q.addLook(manifest.ID{Name: "a"}, Fight{})
	q.add(second)
	q.addTests(newRun("shop", 1))
	if jobs := q.drain(); len(jobs) != 3 || jobs[0] != first || jobs[1] != second || jobs[2].kind != testJob {
		t.Errorf("got %+v", jobs)
	}
	if j, overtaken := q.take(); j != nil || overtaken != nil || q.drain() != nil {
		t.Errorf("then took %v and overtook %v", j, overtaken)
	}
}
