package deploy

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// working starts an app's worker, and returns the function that stops it.
func (w *worked) working() (stop func()) {
	w.engine.workers.Go(w.work)
	return func() {
		w.engine.cancel()
		w.engine.workers.Wait()
	}
}

// dependent gives the app a target that cannot be deployed, since its dependency was not.
func dependent(w *worked) {
	w.setWant(shop(func(t *target) { t.Spec.DependsOn = []name.App{"db"} }))
	w.engine.apps["db"] = newApp(w.engine, "db", "shop", "main")
	w.engine.apps["db"].setWant(shop())
}

// attempts counts the attempts that have a run.
func (w *worked) attempts() int {
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	return w.queue.numbers
}

func TestFailedDeployIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, nil)
		dependent(w)
		defer w.working()()
		w.enqueue(w.planned())
		began, at := time.Now(), []time.Duration{0, 10 * time.Second, 30 * time.Second, 70 * time.Second}
		for i, since := range at {
			<-time.After(since - time.Since(began))
			if synctest.Wait(); w.attempts() != i+1 {
				t.Fatalf("%s after the first: %d attempts, want %d", since, w.attempts(), i+1)
			}
		}
		if len(w.kept.records) != 1 {
			t.Errorf("the same failure is recorded %d times", len(w.kept.records))
		}
		w.hurry <- struct{}{} // the app's cluster answers again
		if synctest.Wait(); w.attempts() != len(at)+1 {
			t.Errorf("hurried: %d attempts", w.attempts())
		}
		delete(w.engine.apps, "db")
		w.enqueue(w.planned())
		synctest.Wait()
		done := w.attempts()
		<-time.After(retryMost)
		w.hurry <- struct{}{}
		if synctest.Wait(); w.attempts() != done || w.last().Result != record.Deployed {
			t.Errorf("the app is tried again although it was deployed: %d attempts after %d, %s", w.attempts(), done, w.last().Result)
		}
	})
}

func TestWorkerRecordsWhatIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		first, second := w.planned(), w.planned()
		w.enqueue(first)
		w.enqueue(second)
		defer w.working()()
		synctest.Wait()
		if rec, _ := first.run.Outcome(); rec.Result != record.Superseded || rec.Message != "a newer revision came before this one was begun" || rec.Digest != "" {
			t.Errorf("the first is %+v", rec)
		}
		if rec, _ := second.run.Outcome(); rec.Result != record.Deployed || len(w.kept.records) != 2 {
			t.Errorf("the second is %+v, of %d", rec, len(w.kept.records))
		}
	})
}

func TestCheckIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		w.engine.Source = heads{err: errors.New("the disk is gone")}
		w.suspended.set(&record.Suspension{By: "dora", Reason: "a move"})
		defer w.working()()
		findings, err := w.engine.CheckNow(t.Context(), access.Caller{}, ByTrial, "shop")
		if err != nil || len(findings) != 1 || findings[0].App != "shop" || findings[0].Result != CheckDrifted {
			t.Errorf("got %+v, %v", findings, err)
		}
		if _, err := w.engine.CheckNow(t.Context(), access.Caller{}, ByTrial, "shop", "other"); err == nil {
			t.Error("an unknown app was checked")
		}
	})
}

// TestJobsAfterTheEnd: a job that comes when the worker has ended, or is about to end, ends
// too.
func TestJobsAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(*worked){
		"the server stops":          func(w *worked) { w.engine.cancel() },
		"its repository is deleted": func(w *worked) { close(w.gone) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorked(t, shop())
			queued := w.planned()
			w.queue.add(queued)
			end(w)
			w.work()
			late := w.planned()
			w.enqueue(late)
			tests, err := w.engine.Test("shop")
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range []*Run{queued.run, late.run, tests} {
				if rec, ended := run.Outcome(); !ended || rec.Result != record.Failed {
					t.Errorf("%s: %s has not ended, so whoever is attached to it waits for ever: %+v", name, run.ID(), rec)
				}
			}
			if err := w.queue.awaitRest(t.Context()); err != nil || len(w.kept.records) > 0 {
				t.Errorf("%s: %v, recorded %+v", name, err, w.kept.records)
			}
		})
	}
}

func TestTestsOfWhatIsNotDeployed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		defer w.working()()
		run, err := w.engine.Test("shop")
		if err != nil {
			t.Fatal(err)
		}
		rec, err := run.wait(t.Context())
		if err != nil || rec.Result != record.Failed || rec.Message != "aaaaaaa is not deployed; status shop says why" {
			t.Errorf("got %+v, %v", rec, err)
		}
		if _, err := w.engine.Test("other"); err == nil {
			t.Error("an unknown app was tested")
		}
	})
}
