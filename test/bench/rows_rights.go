package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ruled is the server in ssh_config for an operator who has rights by rules alone: rights by
// a key file are decided without them.
const ruled = "ruled"

// The size of a large set of rules.
const (
	manyTeams = 50
	perTeam   = 10 // operators
	rulesEach = 20 // of a team
	grantEach = 4
)

// rights measures the push of a change to one object of 200 under many rules of others,
// against the same push under the one rule that is about the pusher. The rules change
// between the pushes, which is not measured.
func rights(ctx context.Context, l *lab) (*result, error) {
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	admin, err := l.adminCopy(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.becomeRuled(ctx, a.workingCopy); err != nil {
		return nil, err
	}
	few, many := &series{of: "under 1 rule"}, &series{of: "under 1,000 rules, 500 operators and 200 grants"}
	spentFew, spentMany := &series{of: "server's CPU of it"}, &series{of: "server's CPU of it"}
	inForce := -1 // the number of teams
	for round := range l.rounds(15) {
		for _, teams := range [][]int{{0, manyTeams}, {manyTeams, 0}}[round%2] {
			wall, cpu := few, spentFew
			if teams > 0 {
				wall, cpu = many, spentMany
			}
			if inForce != teams { // else they stay, from the end of the last round
				if err := admin.rules(ctx, teams); err != nil {
					return nil, err
				}
				inForce = teams
			}
			took, spent, err := a.changeAs(ctx, ruled)
			if err != nil {
				return nil, err
			}
			wall.add(took)
			cpu.add(spent)
		}
	}
	r := &result{}
	r.ratio(many, few, atMost, 1.05)
	r.series = append(r.series, spentMany, spentFew)
	r.fact(fact{what: "ratio of the server's CPU", value: spentMany.median() / spentFew.median()})
	return r, a.plainInStep(ctx) // for the rows that follow, which know no rules
}

// changeAs pushes a change of one object, and returns how long that took, and the server's
// time.
func (a *app) changeAs(ctx context.Context, remote string) (took, spent time.Duration, err error) {
	if err := a.change(ctx); err != nil {
		return 0, 0, err
	}
	before, err := a.lab.server.cpu()
	if err != nil {
		return 0, 0, err
	}
	if took, err = a.push(ctx, remote); err != nil {
		return 0, 0, err
	}
	after, err := a.lab.server.cpu()
	return took, after - before, err
}

// plainInStep pushes to the reference what only the server has.
func (a *app) plainInStep(ctx context.Context) error {
	_, err := a.push(ctx, plain)
	return err
}

// adminCopy clones the server's rules.
func (l *lab) adminCopy(ctx context.Context) (*workingCopy, error) {
	w := &workingCopy{lab: l, name: "admin", dir: l.path("work", "admin")}
	_, err := l.run(ctx, l.dir, "git", "clone", "-q", "-o", ours, ours+":admin", w.dir)
	return w, err
}

// becomeRuled makes the key of the operator who has rights by rules alone, and a remote of
// the working copy that uses it.
func (l *lab) becomeRuled(ctx context.Context, w *workingCopy) error {
	if _, err := l.run(ctx, l.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ruled, "-f", l.path(ruled)); err != nil {
		return err
	}
	addr, err := os.ReadFile(l.path("data", "run", "ssh.addr"))
	if err != nil {
		return fmt.Errorf("read where the server listens: %w", err)
	}
	_, port, _ := strings.Cut(strings.TrimSpace(string(addr)), ":")
	host := l.host(ruled, port, "git")
	host.Key = l.path(ruled)
	known, err := os.ReadFile(l.path("known_hosts"))
	if err != nil {
		return err
	}
	config, err := os.ReadFile(l.path("ssh_config"))
	if err != nil {
		return err
	}
	name, key, _ := strings.Cut(string(known), " ")
	if name != ours {
		return fmt.Errorf("known_hosts begins with %q, not with the server", name)
	}
	line, _, _ := strings.Cut(key, "\n")
	if err := errors.Join(
		os.WriteFile(l.path("known_hosts"), []byte(string(known)+ruled+" "+line+"\n"), 0o600),
		os.WriteFile(l.path("ssh_config"), []byte(string(config)+host.Config()), 0o600)); err != nil {
		return err
	}
	_, err = w.git(ctx, "remote", "add", ruled, ruled+":"+w.name)
	return err
}

// rules puts rules in force that let the operator deploy, beside those of some teams.
func (w *workingCopy) rules(ctx context.Context, teams int) error {
	key, err := os.ReadFile(w.lab.path(ruled + ".pub"))
	if err != nil {
		return err
	}
	files := map[string]string{"operators/" + ruled + ".yaml": "keys:\n  - " + string(key)}
	var groups, rules, grants strings.Builder
	groups.WriteString("groups:\n  admins: [bench]\n")
	rules.WriteString("rules:\n- {who: [admins], may: [admin]}\n")
	for i := range teams {
		var members []string
		for j := range perTeam {
			operator := fmt.Sprintf("o%d", i*perTeam+j)
			files["operators/"+operator+".yaml"] = "keys: []\n"
			members = append(members, operator)
		}
		fmt.Fprintf(&groups, "  team%d: [%s]\n", i, strings.Join(members, ", "))
		for j := range rulesEach {
			fmt.Fprintf(&rules, "- {who: [team%d], repositories: [team%d/r%d], branches: [main], may: [deploy]}\n", i, i, j)
		}
		for j := range grantEach {
			fmt.Fprintf(&grants, "- {repositories: [team%d/g%d-*], namespaces: [team%[1]d, 'team%[1]d-*']}\n", i, j)
		}
	}
	fmt.Fprintf(&rules, "- {who: [%s], repositories: [shop], may: [deploy]}\n", ruled)
	files["groups.yaml"], files["access.yaml"] = groups.String(), rules.String()
	files["repositories.yaml"] = "grants:\n" + grants.String() + "- {clusterScoped: ['*']}\n"
	if err := os.RemoveAll(filepath.Join(w.dir, "operators")); err != nil {
		return err
	}
	if _, err := w.git(ctx, "checkout", "-q", "HEAD", "--", "operators/bench.yaml"); err != nil {
		return err
	}
	for path, text := range files {
		if err := w.write(path, text); err != nil {
			return err
		}
	}
	if err := w.commit(ctx, fmt.Sprintf("Rules of %d teams", teams)); err != nil {
		return err
	}
	_, err = w.push(ctx, ours)
	return err
}
