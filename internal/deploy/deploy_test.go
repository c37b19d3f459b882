package deploy

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestTargetDigest(t *testing.T) {
	base := appfile.App{Name: "shop", Cluster: "default", Namespace: "shop", Schedule: "@every 5m"}
	digest := targetDigest(base, "r")
	same := base
	same.Schedule, same.Drift = "@every 1m", "warn"
	if targetDigest(same, "r") != digest {
		t.Error("settings for the time of checks alone change the digest")
	}
	other := base
	other.Namespace = "shop2"
	if targetDigest(other, "r") == digest || targetDigest(base, "r2") == digest {
		t.Error("another namespace or rendering does not change the digest")
	}
}

func TestContentDigest(t *testing.T) {
	base := appfile.App{Name: "shop", Cluster: "default", Namespace: "shop"}
	digest := contentDigest(base, "r")
	same := base
	same.Prune, same.Ignore = true, []appfile.Ignore{{Kind: "ConfigMap"}}
	if contentDigest(same, "r") != digest {
		t.Error("settings for the way of applying alone change the content")
	}
	for _, change := range []func(*appfile.App){
		func(a *appfile.App) { a.Cluster = "other" },
		func(a *appfile.App) { a.Namespace = "shop2" },
		func(a *appfile.App) { a.CreateNamespace = true },
	} {
		other := base
		if change(&other); contentDigest(other, "r") == digest {
			t.Errorf("%+v has the same content", other)
		}
	}
	if contentDigest(base, "r2") == digest {
		t.Error("another rendering has the same content")
	}
}

func TestRunAttach(t *testing.T) {
	run := newRun("shop", 1)
	run.Printf("first\nsecond")
	lines := make(chan string)
	outcome := make(chan record.Record)
	go func() {
		rec, err := run.Attach(t.Context(), func(line string) { lines <- line })
		if err != nil {
			t.Error(err)
		}
		outcome <- rec
	}()
	for _, want := range []string{"first", "second"} {
		if got := <-lines; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	run.Printf("third \x1b[31m")
	if got := <-lines; strings.Contains(got, "\x1b") || !strings.HasPrefix(got, "third") {
		t.Errorf("got %q", got)
	}
	run.finish(record.Record{App: "shop", Result: record.Deployed})
	if rec := <-outcome; rec.Result != record.Deployed {
		t.Errorf("got %v", rec)
	}
	late, err := run.Attach(t.Context(), func(string) {})
	if err != nil || late.Result != record.Deployed {
		t.Errorf("attached after the end: %v, %v", late, err)
	}
}

func TestRunAttachEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newRun("shop", 1).Attach(ctx, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAppOfAnUnknownCluster: if an app's cluster is no longer in the configuration, the
// deploy of this app fails, and no other one.
func TestAppOfAnUnknownCluster(t *testing.T) {
	a := newApp(New(Config{Log: quiet(), Recorder: forgetful{}}), "shop", "shop", "main")
	a.setWant(&target{Target: plan.Target{Spec: appfile.App{Name: "shop", Cluster: "gone"}, Revision: "r"}})
	j := pushed(a.queue)
	at := a.attempt(j)
	if at.ending != endedFailed {
		t.Errorf("the deploy ended %s", at.ending)
	}
	a.rescanAfter(at)
	rec, ended := j.run.Outcome()
	if !ended || rec.Result != record.Failed || !strings.Contains(rec.Message, `cluster "gone" is not known`) {
		t.Errorf("got %+v, %v", rec, ended)
	}
}

func TestPanicIsContained(t *testing.T) {
	a := newApp(New(Config{Log: quiet()}), "shop", "shop", "main")
	a.setWant(&target{Target: plan.Target{Spec: appfile.App{Name: "shop", Cluster: "gone"}, Revision: "r"}})
	j := pushed(a.queue) // the engine has no Recorder, so saving panics
	if at := a.attempt(j); at.ending != endedFailed || at.stage != stageEnded {
		t.Errorf("the deploy is %s, and ended %s", at.stage, at.ending)
	}
	if rec, ended := j.run.Outcome(); !ended || rec.Result != record.Failed {
		t.Errorf("the run has not ended, so whoever is attached to it waits for ever: %+v", rec)
	}
}

// quiet returns a log without output.
func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// forgetful is a Recorder without records.
type forgetful struct{ record.Recorder }

func (forgetful) Save(context.Context, record.Entry) error { return nil }
