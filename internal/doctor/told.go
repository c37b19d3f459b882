package doctor

import (
	"fmt"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify"
)

// How long a receiver may take no message. After a day, messages are given up.
const (
	failsLong     = 15 * time.Minute
	failsVeryLong = 12 * time.Hour
)

// judgeTold judges how those do who are told what happens.
func judgeTold(receivers []notify.ReceiverState, trouble string, now time.Time) Finding {
	f := Finding{Check: "notifications", Level: OK, Says: "nobody is to be told anything"}
	if trouble != "" {
		return Finding{Check: "notifications", Level: Problem, Says: "nobody is told anything: " + trouble, Hint: "see whether DATA/notify can be read and written by the server's user, and restart it: ssh HOST drain"}
	}
	if len(receivers) > 0 {
		f.Says = manifest.Plural(len(receivers), "receiver") + ", and none fails for long"
	}
	var failing []string
	dropped := 0
	for _, r := range receivers {
		dropped += r.Dropped
		lasts := now.Sub(r.Since)
		if r.Since.IsZero() || lasts < failsLong {
			continue
		}
		failing = append(failing, fmt.Sprintf("%s since %s (%s)", r.Name, day(r.Since), manifest.OneLine(r.Error)))
		if f.Level != Problem {
			f.Level = Warning
		}
		if lasts >= failsVeryLong {
			f.Level = Problem
		}
	}
	if len(failing) > 0 {
		f.Says, f.Hint = "receivers take no message: "+names(failing), "mend them, and try: ssh HOST notify test NAME"
	}
	if dropped > 0 {
		f.Says += fmt.Sprintf("; since the server's start, %s given up", manifest.Plural(dropped, "message"))
	}
	return f
}
