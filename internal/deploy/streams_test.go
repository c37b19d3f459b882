package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
)

// runs is a running container in the pod of the given name.
func runs(pod string, changes ...func(*kube.Container)) seenContainer {
	is := kube.Container{Name: "main", Pod: "uid", Begun: true}
	for _, change := range changes {
		change(&is)
	}
	return seenContainer{Container{"shop", pod, "main"}, is}
}

func restarted(c *kube.Container) { c.Restarts++ }
func ended(c *kube.Container)     { c.Ended = true }
func waits(c *kube.Container)     { c.Begun = false }
func remade(c *kube.Container)    { c.Pod = "another" }

// told writes changes on one line.
func (c changes) told() string {
	var parts []string
	for _, o := range c.begin {
		text := "begin " + o.Pod
		if o.since > 0 {
			text += fmt.Sprint(" since ", o.since)
		}
		if o.fresh {
			text += " fresh"
		}
		if o.came {
			text += " came"
		}
		parts = append(parts, text)
	}
	slices.Sort(parts)
	for _, of := range c.end {
		parts = append(parts, "end "+of.Pod)
	}
	for _, of := range c.left {
		parts = append(parts, "left "+of.Pod)
	}
	if c.waits {
		parts = append(parts, "waits")
	}
	if c.full {
		parts = append(parts, "full")
	}
	if c.again > 0 {
		parts = append(parts, fmt.Sprint("again in ", c.again))
	}
	return strings.Join(parts, ", ")
}

// TestStreamsOfContainers follows containers from one look to the next. Each look has a
// time in seconds; the logs that it names have ended before it.
func TestStreamsOfContainers(t *testing.T) {
	type look struct {
		at    int
		ended string
		there []seenContainer
		want  string
	}
	for name, looks := range map[string][]look{
		"those that are there first": {
			{0, "", []seenContainer{runs("a"), runs("b")}, "begin a, begin b"},
			{1, "", []seenContainer{runs("a"), runs("b")}, ""},
		},
		"one that comes": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "", []seenContainer{runs("a"), runs("b")}, "begin b fresh came"},
		},
		"one that has not begun": {
			{0, "", []seenContainer{runs("a", waits)}, "waits"},
			{1, "", []seenContainer{runs("a")}, "begin a fresh came"},
		},
		"one that is started again": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "a", []seenContainer{runs("a", ended)}, ""},
			{2, "", []seenContainer{runs("a", ended)}, ""},
			{3, "", []seenContainer{runs("a", restarted)}, "begin a fresh"},
		},
		"one whose end is seen late": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "", []seenContainer{runs("a", restarted)}, ""},
			{2, "a", []seenContainer{runs("a", restarted)}, "begin a fresh"},
		},
		"a pod that is made anew under its name": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "a", []seenContainer{runs("a", remade)}, "begin a fresh"},
		},
		"a log that broke off": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{10, "a", []seenContainer{runs("a")}, "again in 2s"},
			{11, "", []seenContainer{runs("a")}, "again in 1s"},
			{13, "", []seenContainer{runs("a")}, "begin a since 3s fresh"},
		},
		"a log that ends for good": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{10, "a", []seenContainer{runs("a")}, ""},
			{20, "", []seenContainer{runs("a", restarted)}, "begin a fresh"},
		},
		"one that leaves": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "", nil, "again in 3s"},
			{2, "a", nil, "left a"},
			{3, "", nil, ""},
		},
		"one that leaves, and whose log does not end": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "", nil, "again in 3s"},
			{2, "", nil, "again in 2s"},
			{4, "", nil, "end a"},
			{5, "a", nil, "left a"},
		},
		"one that was not seen once": {
			{0, "", []seenContainer{runs("a")}, "begin a"},
			{1, "", nil, "again in 3s"},
			{5, "", []seenContainer{runs("a")}, ""},
			{6, "", nil, "again in 3s"},
		},
		"more than there is room for": {
			{0, "", []seenContainer{runs("a"), runs("b"), runs("c")}, "begin a, begin b, full"},
			{1, "", []seenContainer{runs("a"), runs("b"), runs("c")}, "full"},
			{2, "a", []seenContainer{runs("a", ended), runs("b"), runs("c")}, "begin c"},
		},
		"one that comes where there is no room": {
			{0, "", []seenContainer{runs("a"), runs("b")}, "begin a, begin b"},
			{1, "", []seenContainer{runs("a"), runs("b"), runs("c")}, "full"},
			{2, "a", []seenContainer{runs("a", ended), runs("b"), runs("c")}, "begin c fresh"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := streams{lasting: name != "a log that ends for good"}
			began := time.Unix(1000, 0)
			for i, l := range looks {
				now := began.Add(time.Duration(l.at) * time.Second)
				if l.ended != "" {
					s.ended(Container{"shop", l.ended, "main"}, now)
				}
				if got := s.next(l.there, 2-s.open(), now).told(); got != l.want {
					t.Fatalf("look %d: %q, want %q", i, got, l.want)
				}
			}
		})
	}
}
