package health

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Cause is the reason why a pod does not run as it should.
type Cause struct {
	Reason    string // a word for programs and people: "ImagePullBackOff", "CrashLoopBackOff", "Unschedulable", "NotReady"
	Message   string // the details, without the reason: "registry.example/api:2.0: not found"
	Container string // the container that it is about; "" for the pod
	Terminal  bool   // the pod will not recover by itself: waiting for it is useless
	Ended     bool   // its container has ended, and may run again until it ends again
	Incurable bool   // another pod in its place would fail the same way
}

// NotReady is the reason of a pod that is not ready although all its containers run.
const NotReady = "NotReady"

// String writes the cause on one line.
func (c Cause) String() string {
	text := c.Reason
	if c.Container != "" {
		text += " (container " + c.Container + ")"
	}
	if c.Message != "" {
		text += ": " + c.Message
	}
	return text
}

// podHealth judges a pod that somebody deploys by itself.
func podHealth(o object) Health {
	switch o.string("status", "phase") {
	case "Succeeded":
		return healthy("completed")
	case "Failed":
		return failed(podFailure(o))
	case "Running":
		if o.condition("Ready").isTrue() {
			return healthy("ready")
		}
	}
	if cause, ok := podCause(o); ok {
		if cause.Terminal {
			return failed(cause.String())
		}
		return progressing(cause.String())
	}
	if o.string("status", "phase") == "Running" {
		return progressing("running, not ready yet")
	}
	return progressing("not running yet")
}

func podFailure(o object) string {
	if cause, ok := podCause(o); ok {
		return cause.String()
	}
	return "its containers failed"
}

// PodCause finds the reason why a pod is not ready, the nearest cause first: its own
// failure, its init containers, its containers, its scheduling, and last a readiness
// probe. ok is false if the pod is ready, done, or simply starting.
func PodCause(pod *unstructured.Unstructured) (cause Cause, ok bool) {
	if pod == nil || pod.GetDeletionTimestamp() != nil {
		return Cause{}, false
	}
	return podCause(object{pod.Object})
}

func podCause(o object) (Cause, bool) {
	if o.string("status", "phase") == "Succeeded" {
		return Cause{}, false
	}
	for _, look := range []func(object) (Cause, bool){evicted, containersCause, failedPod, unschedulable, notReady} {
		if cause, ok := look(o); ok {
			return cause, true
		}
	}
	return Cause{}, false
}

// evicted covers every failure that the kubelet or the control plane reports for the
// pod as a whole: Evicted, NodeLost, DeadlineExceeded, Preempting,
// UnexpectedAdmissionError and the like.
func evicted(o object) (Cause, bool) {
	reason := o.string("status", "reason")
	if o.string("status", "phase") != "Failed" || reason == "" {
		return Cause{}, false
	}
	return Cause{Reason: reason, Message: o.string("status", "message"), Terminal: true}, true
}

func containersCause(o object) (Cause, bool) {
	restarts := o.string("spec", "restartPolicy") != "Never"
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, item := range o.list("status", field) {
			fields, _ := item.(map[string]any)
			if cause, ok := containerCause(object{fields}, restarts); ok {
				return cause, true
			}
		}
	}
	return Cause{}, false
}

// hopeless are the reasons for waiting that only a change of the pod ends.
var hopeless = map[string]bool{"InvalidImageName": true, "ErrImageNeverPull": true}

// starting are the harmless reasons for waiting.
var starting = map[string]bool{"ContainerCreating": true, "PodInitializing": true, "": true}

func containerCause(status object, restarts bool) (Cause, bool) {
	name, waiting := status.string("name"), status.object("state", "waiting")
	reason := waiting.string("reason")
	switch {
	case reason == "CrashLoopBackOff":
		return Cause{Reason: reason, Message: lastExit(status), Container: name, Ended: true}, true
	case reason == "ImagePullBackOff" || reason == "ErrImagePull":
		return Cause{Reason: reason, Message: pullMessage(status.string("image"), waiting.string("message")), Container: name}, true
	case !starting[reason]:
		return Cause{Reason: reason, Message: waiting.string("message"), Container: name, Terminal: hopeless[reason], Incurable: hopeless[reason]}, true
	}
	ended := status.object("state", "terminated")
	if ended.fields == nil || ended.int("exitCode") == 0 && ended.string("reason") != "OOMKilled" {
		return Cause{}, false
	}
	return Cause{Reason: exitReason(ended), Message: exit(ended), Container: name, Ended: true, Terminal: !restarts}, true
}

// pullMessage prefers the registry's message to "Back-off pulling image". The kubelet
// quotes the registry after the image's name, twice.
func pullMessage(image, message string) string {
	text := strings.TrimSpace(message)
	if at := strings.LastIndex(text, "rpc error: "); at >= 0 {
		text = text[at:]
		if _, desc, ok := strings.Cut(text, "desc = "); ok {
			text = desc
		}
	}
	if image == "" || strings.Contains(text, image) {
		return text
	}
	return strings.TrimSuffix(image+": "+text, ": ")
}

func exitReason(ended object) string {
	return cmp.Or(ended.string("reason"), "Error")
}

// lastExit describes the last end of a crash loop, and counts its restarts.
func lastExit(status object) string {
	text := "the container keeps ending"
	if ended := status.object("lastState", "terminated"); ended.fields != nil {
		text = exit(ended)
		if reason := ended.string("reason"); reason != "" && reason != "Error" && reason != "Completed" {
			text = reason + ", " + text
		}
	}
	if n := status.int("restartCount"); n > 0 {
		text += fmt.Sprintf(", restarted %d times", n)
	}
	return text
}

func exit(ended object) string {
	text := fmt.Sprintf("exit code %d", ended.int("exitCode"))
	if signal := ended.int("signal"); signal != 0 {
		text = fmt.Sprintf("signal %d", signal)
	}
	if message := strings.TrimSpace(ended.string("message")); message != "" {
		text += ": " + message
	}
	return text
}

func failedPod(o object) (Cause, bool) {
	if o.string("status", "phase") != "Failed" {
		return Cause{}, false
	}
	return Cause{Reason: "Failed", Message: o.string("status", "message"), Terminal: true}, true
}

func unschedulable(o object) (Cause, bool) {
	c := o.condition("PodScheduled")
	if !c.isFalse() {
		return Cause{}, false
	}
	return Cause{Reason: cmp.Or(c.reason, "Unschedulable"), Message: c.message}, true
}

// notReady is the last guess: every container runs and the pod is not ready, so a
// readiness probe or gate does not pass.
func notReady(o object) (Cause, bool) {
	c := o.condition("Ready")
	if o.string("status", "phase") != "Running" || !c.isFalse() {
		return Cause{}, false
	}
	message := c.message
	if after, ok := strings.CutPrefix(message, "containers with unready status: "); ok {
		names := strings.Trim(after, "[]")
		message = "running, but the readiness of " + strings.ReplaceAll(names, " ", ", ") + " is not reported"
	}
	return Cause{Reason: NotReady, Message: message}, true
}
