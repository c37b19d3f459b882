package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A hand deploys as people do without a server: with kubectl if this machine has it, else
// with the requests of kubectl, which this process sends one after the other.
type hand struct {
	lab     *lab
	kubectl string // path of kubectl; "" for the stand-in
}

func (l *lab) hand() hand {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		path = ""
	}
	return hand{l, path}
}

// words name the hand and the work that it does.
func (h hand) words(does string) string {
	if h.kubectl == "" {
		return "built-in stand-in for kubectl " + does + " (no kubectl in PATH)"
	}
	return "kubectl " + does
}

// cost is the time and the processor time that a program took.
type cost struct{ wall, cpu time.Duration }

// apply applies a folder. The stand-in applies the same objects, which are given as text.
func (h hand) apply(ctx context.Context, namespace, dir string, texts []string) (cost, error) {
	if h.kubectl != "" {
		return h.run(ctx, "apply", "--server-side", "--validate=false", "-n", namespace, "-f", dir)
	}
	wall, err := h.lab.rawApply(ctx, namespace, texts, 1)
	return cost{wall: wall}, err
}

// diff compares a folder with the cluster, which has the same objects.
func (h hand) diff(ctx context.Context, namespace, dir string, texts []string) (cost, error) {
	if h.kubectl != "" {
		return h.run(ctx, "diff", "--server-side", "-n", namespace, "-f", dir)
	}
	objects, err := parsed(texts)
	if err != nil {
		return cost{}, err
	}
	start, before := time.Now(), ownCPU()
	for _, u := range objects {
		if err := h.compare(ctx, namespace, u); err != nil {
			return cost{}, err
		}
	}
	return cost{time.Since(start), ownCPU() - before}, nil
}

func (h hand) compare(ctx context.Context, namespace string, u *unstructured.Unstructured) error {
	_, err := h.lab.dynamic.Resource(resources[u.GetKind()]).Namespace(namespace).Get(ctx, u.GetName(), metav1.GetOptions{})
	return errors.Join(err, h.lab.applyOne(ctx, namespace, u, true))
}

func (h hand) run(ctx context.Context, args ...string) (cost, error) {
	cmd := exec.CommandContext(ctx, h.kubectl, args...)
	cmd.Env = h.lab.env()
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return cost{}, fmt.Errorf("kubectl %s: %w\n%s", args[0], err, out)
	}
	return cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// ownCPU is the processor time of this process.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
