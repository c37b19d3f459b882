package health

import (
	"cmp"
	"fmt"
	"strings"
)

// pods writes a count as every row does: "2 of 3 pods ready".
func pods(have, want int64, state string) string {
	noun := "pods"
	if want == 1 {
		noun = "pod"
	}
	return fmt.Sprintf("%d of %d %s %s", have, want, noun, state)
}

// observed reports whether the controller has looked at the object at all. A fresh
// object has no status, and otherwise a workload with no replicas would pass for
// finished.
func observed(o object) bool {
	_, ok := o.lookupInt("status", "observedGeneration")
	return ok
}

const notSeen = "not seen by its controller yet"

func deploymentHealth(o object) Health {
	if !observed(o) {
		return progressing(notSeen)
	}
	want := o.intOr(1, "spec", "replicas")
	updated, ready := o.int("status", "updatedReplicas"), o.int("status", "readyReplicas")
	available, total := o.int("status", "availableReplicas"), o.int("status", "replicas")
	deadline := o.condition("Progressing")
	rolledOut := updated >= want && total <= updated && available >= want
	switch {
	case deadline.reason == "ProgressDeadlineExceeded" && !rolledOut:
		return failed(fmt.Sprintf("no progress for %d s; %s",
			o.intOr(600, "spec", "progressDeadlineSeconds"), rollout(updated, ready, want)))
	case o.bool("spec", "paused"):
		return Health{Suspended, "rollout paused"}
	}
	if c := o.condition("ReplicaFailure"); c.isTrue() {
		return progressing("pods cannot be created: " + c.text())
	}
	switch {
	case updated < want:
		return progressing(pods(updated, want, "updated"))
	case total > updated:
		return progressing(pods(total-updated, total-updated, "of the old revision still there"))
	case ready < want:
		return progressing(pods(ready, want, "ready"))
	case available < want:
		return progressing(pods(available, want, "available"))
	}
	return healthy(pods(ready, want, "ready"))
}

// rollout describes the progress of a rollout by its first unfinished count.
func rollout(updated, ready, want int64) string {
	if updated < want {
		return pods(updated, want, "updated")
	}
	return pods(ready, want, "ready")
}

func replicaSetHealth(o object) Health {
	if !observed(o) {
		return progressing(notSeen)
	}
	if c := o.condition("ReplicaFailure"); c.isTrue() {
		return progressing("pods cannot be created: " + c.text())
	}
	want, ready := o.intOr(1, "spec", "replicas"), o.int("status", "readyReplicas")
	if ready < want || o.int("status", "replicas") != want {
		return progressing(pods(ready, want, "ready"))
	}
	return healthy(pods(ready, want, "ready"))
}

func statefulSetHealth(o object) Health {
	if !observed(o) {
		return progressing(notSeen)
	}
	want, ready := o.intOr(1, "spec", "replicas"), o.int("status", "readyReplicas")
	if o.string("spec", "updateStrategy", "type") == "OnDelete" {
		return readiness(ready, want) // pods are updated when somebody deletes them
	}
	partition := o.int("spec", "updateStrategy", "rollingUpdate", "partition")
	toUpdate, updated := max(want-partition, 0), o.int("status", "updatedReplicas")
	if o.string("status", "currentRevision") == o.string("status", "updateRevision") {
		updated = max(updated, o.int("status", "currentReplicas"))
	}
	switch {
	case updated < toUpdate:
		return progressing(pods(updated, toUpdate, "updated"))
	case o.int("status", "replicas") > want:
		surplus := o.int("status", "replicas") - want
		return progressing(pods(surplus, surplus, "to be removed"))
	}
	return readiness(ready, want)
}

func daemonSetHealth(o object) Health {
	if !observed(o) {
		return progressing(notSeen)
	}
	want, ready := o.int("status", "desiredNumberScheduled"), o.int("status", "numberReady")
	if o.string("spec", "updateStrategy", "type") == "OnDelete" {
		return readiness(ready, want)
	}
	switch {
	case o.int("status", "updatedNumberScheduled") < want:
		return progressing(pods(o.int("status", "updatedNumberScheduled"), want, "updated"))
	case ready < want:
		return progressing(pods(ready, want, "ready"))
	case o.int("status", "numberAvailable") < want:
		return progressing(pods(o.int("status", "numberAvailable"), want, "available"))
	}
	return healthy(pods(ready, want, "ready"))
}

func readiness(ready, want int64) Health {
	if ready < want {
		return progressing(pods(ready, want, "ready"))
	}
	return healthy(pods(ready, want, "ready"))
}

// jobHealth waits for the Job's end: a migration that has merely started has not
// succeeded.
func jobHealth(o object) Health {
	want := o.intOr(o.intOr(1, "spec", "parallelism"), "spec", "completions")
	done := fmt.Sprintf("%d of %d completed", o.int("status", "succeeded"), want)
	if c := o.condition("Failed"); c.isTrue() {
		return failed(join(c.reason, c.message))
	}
	if c := o.condition("FailureTarget"); c.isTrue() {
		return failed(join(c.reason, c.message))
	}
	switch {
	case o.condition("Complete").isTrue():
		return healthy(done)
	case o.condition("SuccessCriteriaMet").isTrue():
		return progressing("succeeded, its last pods end")
	case o.bool("spec", "suspend"):
		return Health{Suspended, "job suspended"}
	case o.string("status", "startTime") == "":
		return progressing("not started yet")
	}
	if n := o.int("status", "failed"); n > 0 {
		done += fmt.Sprintf(", %d failed", n)
	}
	return progressing(done)
}

func cronJobHealth(o object) Health {
	if o.bool("spec", "suspend") {
		return Health{Suspended, "schedule suspended"}
	}
	return healthy("")
}

// join puts a reason before a message: "BackoffLimitExceeded: Job has reached ...".
func join(reason, message string) string {
	switch {
	case reason == "":
		return message
	case message == "" || strings.HasPrefix(message, reason):
		return cmp.Or(message, reason)
	}
	return reason + ": " + message
}
