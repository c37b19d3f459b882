package mirror

import (
	"fmt"
	"net/netip"
	"reflect"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Propose says what is wrong with mirrors to come, as far as this server can tell without
// asking their upstreams. What is as in the rules in force is no fault of the change.
func (k *Keeper) Propose(next, now *rules.Rules) (problems manifest.Problems) {
	for _, m := range next.Mirrors() {
		if was := now.Mirror(m.Repo); was != nil && reflect.DeepEqual(was, m) {
			continue
		}
		add := func(message, hint string) {
			problems = append(problems, manifest.Problem{Source: m.At, Message: message, Hint: hint})
		}
		if _, err := appfile.ParseSchedule(scheduleOf(m)); err != nil {
			add(fmt.Sprintf("schedule: %q: %v", manifest.Clean(m.Schedule), err), `write schedule: "@every 5m", or five fields of cron`)
		}
		if m.KeyFile != "" {
			if _, err := k.readFile(m.KeyFile); err != nil {
				add("keyFile: "+err.Error(), hintFile)
			}
		}
		for field, file := range map[string]string{"tokenFile": m.TokenFile, "hookFile": m.HookFile, "statusFile": m.StatusFile} {
			if file == "" {
				continue
			}
			if secret, err := k.secretFile(file); err != nil {
				add(field+": "+err.Error(), hintFile)
			} else if field == "hookFile" && len(secret) < leastHookSecret {
				add(fmt.Sprintf("hookFile: the secret has less than %d characters", leastHookSecret), "make one: openssl rand -hex 32")
			}
		}
		if address, err := netip.ParseAddr(m.Address().Hostname()); err == nil {
			settings := k.settings()
			w := &way{mirror: m, address: m.Address(), reach: settings.Reach}
			w.reach.Setting = "mirror.networks"
			if err := w.check(address); err != nil {
				add("url: "+explain(err), "add the address to mirror.networks in the server's configuration, if the server may go there")
			}
		}
	}
	return problems
}

// hintFile is the way out where a file cannot be read.
const hintFile = "put the file into the directory of the server's setting mirror.files, and name it in full"
