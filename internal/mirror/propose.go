package mirror

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Propose says what is wrong with mirrors and remotes to come, as far as this server can tell without
// asking their upstreams. What is as in the rules in force is no fault of the change.
func (k *Keeper) Propose(next, now *rules.Rules) (problems manifest.Problems) {
	for _, m := range next.Mirrors() {
		if was := now.Mirror(m.Repo); was != nil && reflect.DeepEqual(was, m) {
			continue
		}
		if _, err := appfile.ParseSchedule(scheduleOf(m)); err != nil {
			problems = append(problems, manifest.Problem{
				Source: m.At, Message: fmt.Sprintf("schedule: %q: %v", manifest.Clean(m.Schedule), err), Hint: `write schedule: "@every 5m", or five fields of cron`,
			})
		}
		problems = append(problems, k.settings().proposeFiles(m.At, map[string]string{"keyFile": m.KeyFile, "tokenFile": m.TokenFile, "hookFile": m.HookFile, "statusFile": m.StatusFile})...)
		problems = append(problems, k.settings().proposeSealed(k.ctx, m.Sealed)...)
		problems = append(problems, k.settings().proposeAddress(m.At, upstreamOf(m))...)
	}
	for _, m := range next.Remotes() {
		if was := remoteNamed(now, m.Repo, m.Name); was != nil && sameRemote(was, m) {
			continue
		}
		problems = append(problems, k.settings().proposeFiles(m.At, map[string]string{"keyFile": m.KeyFile, "tokenFile": m.TokenFile, "statusFile": m.StatusFile})...)
		problems = append(problems, k.settings().proposeSealed(k.ctx, m.Sealed)...)
		problems = append(problems, k.settings().proposeAddress(m.At, remoteOf(m))...)
	}
	k.sealed.forget(next, now) // what other pushes had proposed, and is in force nowhere
	return problems
}

// remoteNamed is a remote of the rules; nil if they have none of the name.
func remoteNamed(of *rules.Rules, repo name.Repo, remote string) *rules.Remote {
	for _, m := range of.RemotesOf(repo) {
		if m.Name == remote {
			return m
		}
	}
	return nil
}

// sameRemote compares two remotes, wherever they are written.
func sameRemote(a, b *rules.Remote) bool {
	moved := *a
	moved.At = b.At
	return reflect.DeepEqual(&moved, b)
}

// proposeFiles says which files cannot be read.
func (s Settings) proposeFiles(at manifest.Source, files map[string]string) (problems manifest.Problems) {
	for _, field := range slices.Sorted(maps.Keys(files)) {
		file := files[field]
		if file == "" {
			continue
		}
		hint := hintFile
		var err error
		if field == "keyFile" {
			_, err = s.readFile(file)
		} else if secret, wrong := s.secretFile(file); wrong != nil {
			err = wrong
		} else if field == "hookFile" && len(secret) < leastHookSecret {
			err, hint = fmt.Errorf("the secret has less than %d characters", leastHookSecret), hintHookSecret
		}
		if err != nil {
			problems = append(problems, manifest.Problem{Source: at, Message: field + ": " + err.Error(), Hint: hint})
		}
	}
	return problems
}

// proposeAddress refuses an address in numbers that may not be reached.
func (s Settings) proposeAddress(at manifest.Source, to end) (problems manifest.Problems) {
	address, err := netip.ParseAddr(to.Address().Hostname())
	if err != nil {
		return nil //nolint:nilerr // a name, which may lead elsewhere tomorrow
	}
	w := &way{to: to, address: to.Address(), reach: s.Reach}
	w.reach.Setting = "mirror.networks"
	if err := w.check(address); err != nil {
		problems = append(problems, manifest.Problem{
			Source: at, Message: "url: " + explain(err), Hint: "add the address to mirror.networks in the server's configuration, if the server may go there",
		})
	}
	return problems
}

// hintHookSecret is the way out where a secret is none.
const hintHookSecret = "make one: openssl rand -hex 32"

// hintFile is the way out where a file cannot be read.
const hintFile = "put the file into the directory of the server's setting mirror.files, and name it in full"
