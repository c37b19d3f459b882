package kube

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/rest"
)

var testConfig *rest.Config

func TestMain(m *testing.M) {
	if path := os.Getenv("KUBECONFIG"); path != "" {
		cfg, err := LoadConfig(path)
		if err != nil {
			panic(err)
		}
		testConfig = cfg
	}
	os.Exit(m.Run())
}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// open returns the package's real cluster.
func open(t testing.TB) *Cluster {
	t.Helper()
	if testConfig == nil {
		t.Skip("no cluster")
	}
	c, err := Open("default", testConfig, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// must is for the steps that prepare a test.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var _ = context.Background
