package push

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
)

func TestStoppedText(t *testing.T) {
	bounds := git.Bounds{CPU: 30 * time.Minute, Time: time.Hour, File: 512 << 20}
	for _, test := range []struct {
		service git.Service
		cause   git.Cause
		want    []string
	}{
		{git.ReceivePack, git.OverCPU, []string{"more than 30m of processor time to check the push\n", "nothing was changed\n", "git.maxCpuTime\n"}},
		{git.ReceivePack, git.OverTime, []string{"more than 2m to check the push\n", "nothing was changed\n", "git.timeout\n"}},
		{git.ReceivePack, git.OverFile, []string{"a file of more than 512 MiB", "nothing was changed\n", "git.maxPushSize\n"}},
		{git.UploadPack, git.OverCPU, []string{"more than 30m of processor time\n", "--depth 1\n", "git.maxCpuTime\n"}},
		{git.UploadPack, git.OverTime, []string{"waited for the client for 2m\n", "git.timeout\n"}},
		{git.ReceivePack, git.ClientGone, nil},
	} {
		text := stoppedText(test.service, &git.StoppedError{Cause: test.cause, Bounds: bounds, Waited: 2 * time.Minute})
		if (text == "") != (test.want == nil) {
			t.Errorf("%s, %s: %q", test.service, test.cause, text)
		}
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s, %s: %q is not in\n%s", test.service, test.cause, want, text)
			}
		}
		for line := range strings.Lines(text) {
			if len(line) > 80 || !strings.HasPrefix(line, "error: ") && !strings.HasPrefix(line, "hint: ") {
				t.Errorf("%s, %s: line %q", test.service, test.cause, line)
			}
		}
	}
}
