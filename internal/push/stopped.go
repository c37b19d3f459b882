package push

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// tellStopped tells a client that still listens why Git was stopped.
func (d *Door) tellStopped(s Session, service git.Service, stopped *git.StoppedError) {
	if text := stoppedText(service, stopped); text != "" {
		fmt.Fprint(s.Stderr(), s.Fill(text))
	}
}

// stoppedText is the message to the client, in lines: the limit, how to stay below it,
// and the setting to raise. It is "" if there is nobody to tell.
func stoppedText(service git.Service, stopped *git.StoppedError) string {
	var work, setting string
	switch stopped.Cause {
	case git.OverCPU:
		work, setting = fmt.Sprintf("took more than %s of processor time", manifest.AsSetting(stopped.Bounds.CPU)), "git.maxCpuTime"
	case git.OverTime:
		work, setting = fmt.Sprintf("took more than %s", manifest.AsSetting(stopped.Waited)), "git.timeout"
	case git.OverFile:
		work, setting = fmt.Sprintf("made a file of more than %d MiB", stopped.Bounds.File>>20), "git.maxPushSize"
	default:
		return ""
	}
	if !service.Writes() {
		if stopped.Cause == git.OverTime {
			work = fmt.Sprintf("has waited for the client for %s", manifest.AsSetting(stopped.Waited))
		}
		return fmt.Sprintf("error: stopped: Git %s\n%s", work,
			report.Hints("try again, or take less: git clone --depth 1\nthe server's operator can raise "+setting))
	}
	return fmt.Sprintf("error: stopped: Git %s to check the push\nerror: nothing was changed\n%s", work,
		report.Hints("push in parts, oldest first: git push origin COMMIT:refs/heads/BRANCH\n"+
			"the server's operator can raise "+setting))
}
