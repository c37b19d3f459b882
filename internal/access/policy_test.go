package access

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/name"
)

type admins []string

func (a admins) Admins() []string { return a }

func newPolicy(t testing.TB, who Admins) (*Policy, *logtest.Hook) {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return NewPolicy(logrus.NewEntry(logger), who, nil), logtest.NewLocal(logger)
}

// TestRightsTable spells out the whole table, so that every change of the table shows up
// here.
func TestRightsTable(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	least := map[Right]Role{
		ReadRepo: RoleRead, ReadDeploys: RoleRead, ReadServer: RoleRead, MakeTokens: RoleRead,
		PushRepo: RolePush,
		Deploy:   RoleDeploy, CreateRepo: RoleDeploy, ReadLogs: RoleDeploy,
		DeleteRepo: RoleAdmin, Administer: RoleAdmin,
		Sync: RoleDeploy, CheckApps: RoleDeploy, Test: RoleDeploy, Rollback: RoleDeploy, Suspend: RoleDeploy,
		Resume: RoleDeploy, Restart: RoleDeploy, ListOrphans: RoleDeploy, Cancel: RoleDeploy, RotateSecrets: RoleDeploy, SetSecrets: RoleDeploy,
		Override: RoleAdmin, TakeOver: RoleAdmin, Backup: RoleAdmin, Drain: RoleAdmin, ReadAudit: RoleAdmin, AcceptCluster: RoleAdmin, Examine: RoleAdmin, TestReceivers: RoleAdmin,
	}
	if len(least) != len(table) {
		t.Fatalf("the test knows %d rights, the table has %d", len(least), len(table))
	}
	order := map[Role]int{"": -1, "root": -1, RoleRead: 0, RolePush: 1, RoleDeploy: 2, RoleAdmin: 3}
	for right, need := range least {
		for role, rank := range order {
			err := policy.Check(Caller{Operator: "ana", Role: role}, right, Subject{Repo: "shop"})
			if want := rank >= order[need]; (err == nil) != want {
				t.Errorf("%q for %q: %v, want allowed=%v", right, role, err, want)
			}
		}
	}
}

func TestCheckRefusesWhatIsNotInTheTable(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	if err := policy.Check(System("test"), Right("fly"), Subject{}); !errors.Is(err, ErrDenied) {
		t.Errorf("unknown right: %v", err)
	}
	if err := policy.Check(Caller{}, ReadRepo, Subject{Repo: "shop"}); !errors.Is(err, ErrDenied) {
		t.Errorf("nobody may read: %v", err)
	}
}

func TestKeyForSomeRepositories(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	robot := Caller{Operator: "ci", Role: RoleAdmin, Repos: "shop*"}
	for _, test := range []struct {
		right   Right
		subject string
		want    bool
	}{
		{PushRepo, "shop", true},
		{PushRepo, "blog", false},
		{CreateRepo, "shop2", true},
		{DeleteRepo, "", false},
		{Administer, "", false},
		{Administer, "shop", false}, // a right on the server does not apply to a repository
		{ReadServer, "shop", false},
	} {
		if got := policy.Allows(robot, test.right, Subject{Repo: name.Repo(test.subject)}); got != test.want {
			t.Errorf("%s on %q: %v", test.right, test.subject, got)
		}
	}
}

func TestRefusalSaysWhatItTakesAndWhomToAsk(t *testing.T) {
	policy, _ := newPolicy(t, admins{"ana", "ben"})
	err := policy.Check(Caller{Operator: "eve", Role: RoleRead}, PushRepo, Subject{Repo: "shop"})
	want := `not allowed to push to repository "shop": it takes the role "push", and the key of "eve" has "read"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	var denied *DeniedError
	if !errors.As(err, &denied) || denied.Hint() != "ask an admin: ana, ben" {
		t.Errorf("denied = %+v", denied)
	}
	err = policy.Check(Caller{Operator: "ci", Role: RolePush, Repos: "shop*"}, PushRepo, Subject{Repo: "blog"})
	if err == nil || !strings.Contains(err.Error(), `the key of "ci" is for repositories "shop*" only`) {
		t.Errorf("got %v", err)
	}
	if !errors.As(err, &denied) || denied.Least != RolePush || denied.Subject.Repo != "blog" {
		t.Errorf("denied = %+v", denied)
	}
}

func TestEveryCheckIsAudited(t *testing.T) {
	policy, hook := newPolicy(t, nil)
	ana := Caller{Operator: "ana", Fingerprint: "SHA256:x", Role: RoleRead, Remote: "192.0.2.7:1"}
	policy.Allows(ana, ReadRepo, Subject{Repo: "shop"})
	if len(hook.AllEntries()) != 0 {
		t.Error("Allows writes an audit line")
	}
	policy.Check(ana, ReadRepo, Subject{Repo: "shop"})
	policy.Check(ana, PushRepo, Subject{Repo: name.Repo(strings.Repeat("a", 1000))})
	policy.Check(System("schedule of shop"), Deploy, Subject{Repo: "shop"})
	lines := hook.AllEntries()
	if len(lines) != 3 {
		t.Fatalf("%d audit lines, want 3", len(lines))
	}
	for i, want := range []string{"access: allowed", "access: denied", "access: allowed"} {
		if lines[i].Message != want {
			t.Errorf("line %d is %q, want %q", i, lines[i].Message, want)
		}
	}
	first := lines[0].Data
	for field, want := range map[string]string{
		"operator": "ana", "key": "SHA256:x", "role": "read",
		"remote": "192.0.2.7:1", "right": "read repository", "subject": "shop",
	} {
		if first[field] != want {
			t.Errorf("%s = %v, want %s", field, first[field], want)
		}
	}
	if subject := lines[1].Data["subject"].(string); len(subject) > maxSubject+len("…") {
		t.Errorf("audited subject of %d bytes", len(subject))
	}
	if lines[2].Data["reason"] != "schedule of shop" || lines[2].Data["operator"] != SystemOperator {
		t.Errorf("system line: %v", lines[2].Data)
	}
}

func TestCallerNames(t *testing.T) {
	for want, c := range map[string]Caller{
		"nobody":              {},
		"ana (SHA256:x)":      {Operator: "ana", Fingerprint: "SHA256:x"},
		"pushboat (schedule)": System("schedule"),
	} {
		if c.String() != want {
			t.Errorf("String() = %q, want %q", c.String(), want)
		}
	}
}

// TestReservedRepositoryIsForAdmins: callers who are not admins may only read the reserved
// repository, whatever their role. The rules of the other repositories do not change.
func TestReservedRepositoryIsForAdmins(t *testing.T) {
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil, nil)
	policy.Reserve("pushboat")
	for _, right := range []Right{ReadRepo, PushRepo, Deploy, ReadDeploys, ReadLogs, CreateRepo} {
		reads := right == ReadRepo || right == ReadDeploys
		if got := policy.Allows(Caller{Role: RoleDeploy}, right, Subject{Repo: "pushboat"}); got != reads {
			t.Errorf("%s: %t for the role deploy", right, got)
		}
		if !policy.Allows(Caller{Role: RoleAdmin}, right, Subject{Repo: "pushboat"}) || !policy.Allows(Caller{Role: RoleDeploy}, right, Subject{Repo: "shop"}) {
			t.Errorf("%s is refused to an admin, or on another repository", right)
		}
	}
	if policy.Allows(Caller{Role: RoleAdmin, Repos: "shop"}, PushRepo, Subject{Repo: "pushboat"}) {
		t.Error("a key for another repository may push")
	}
	if !NewPolicy(logrus.NewEntry(logrus.New()), nil, nil).Allows(Caller{Role: RoleRead}, ReadServer, Subject{}) {
		t.Error("without a reserved repository, the empty name counts as reserved")
	}
}

// TestRulesReserveARepositoryToo: an operator whom a rule allows to deploy everywhere may
// still only read the reserved repository.
func TestRulesReserveARepositoryToo(t *testing.T) {
	own := Subject{Repo: "pushboat"}
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil, func() Rules { return fakeRules{Deploy, own} })
	ben, cho := Caller{Operator: "ben", Ruled: true}, Caller{Operator: "cho", Ruled: true}
	if !policy.Allows(ben, Deploy, own) {
		t.Error("ben may not deploy before the repository is reserved")
	}
	policy.Reserve("pushboat")
	if policy.Allows(ben, Deploy, own) || !policy.Allows(cho, Deploy, own) {
		t.Error("ben, who is no admin, may deploy the reserved repository, or the admin cho may not")
	}
	if policy.Allows(Caller{Role: RoleAdmin, Repos: "push*"}, Deploy, own) || !policy.Allows(Caller{Role: RoleAdmin}, Deploy, own) {
		t.Error("an admin of this repository alone may deploy it, or an admin of the server may not")
	}
}

// fakeRules knows ben, who may do one thing, and cho, who is an admin.
type fakeRules struct {
	right Right
	on    Subject
}

func (f fakeRules) Lookup(ssh.PublicKey) (Operator, bool) { return Operator{}, false }
func (f fakeRules) Certified(*ssh.Certificate, time.Time) (Operator, error) {
	return Operator{}, ErrDenied
}
func (f fakeRules) HasPaths(operator string) bool { return operator == "ben" }
func (f fakeRules) Admins(time.Time) []string     { return []string{"cho"} }

func (f fakeRules) Decide(operator string, right Right, on Subject) Decision {
	switch {
	case operator == "cho":
		return Decision{Allowed: true, Rule: "access.yaml:2"}
	case right == f.right && on.Repo == f.on.Repo:
		return Decision{Allowed: true, Rule: "access.yaml:7"}
	case right == Suspend:
		return Decision{Rule: "access.yaml:9", Withheld: true}
	case right == Deploy:
		return Decision{Path: "deploy/web.yaml"}
	}
	return Decision{}
}

func (f fakeRules) ReadsRules(operator string) Decision {
	return Decision{Allowed: operator == "audrey"}
}

// TestRulesDecideForTheirKeys: a key in the rules gets only the rights that the rules give.
// A key that is also in a key file gets the rights of its line there as well. A key in a
// key file alone gets nothing from the rules.
func TestRulesDecideForTheirKeys(t *testing.T) {
	rules := fakeRules{Deploy, Subject{Repo: "shop"}}
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil, func() Rules { return rules })
	shop, blog := Subject{Repo: "shop"}, Subject{Repo: "blog"}
	for _, test := range []struct {
		caller Caller
		right  Right
		on     Subject
		want   bool
	}{
		{Caller{Operator: "ben", Ruled: true}, Deploy, shop, true},
		{Caller{Operator: "ben", Ruled: true}, Deploy, blog, false},
		{Caller{Operator: "ben"}, Deploy, shop, false},
		{Caller{Operator: "ben", Ruled: true, Role: RoleDeploy}, Deploy, blog, true},
		{Caller{Operator: "ben", Ruled: true, Role: RoleDeploy, Repos: "notes"}, Deploy, blog, false},
		{Caller{Operator: "ben", Ruled: true, Role: RoleDeploy, Repos: "notes"}, Deploy, shop, true},
		{Caller{Operator: "ben", Ruled: true}, Suspend, shop, false},
		{Caller{Operator: "ben", Ruled: true, Role: RoleAdmin}, Suspend, shop, true},
	} {
		if got := policy.Allows(test.caller, test.right, test.on); got != test.want {
			t.Errorf("%+v: %s on %s: %v", test.caller, test.right, test.on.Repo, got)
		}
	}
	if policy.AsksForPaths(Caller{Operator: "ben", Role: RoleDeploy, Ruled: true}, Deploy, shop) {
		t.Error("the policy asks for paths although the key file decides")
	}
	if !policy.AsksForPaths(Caller{Operator: "ben", Ruled: true}, Deploy, shop) {
		t.Error("the policy does not ask for paths")
	}
}

// TestAdminRepoIsTheAdmins: no repository role and no pattern gives access to the admin
// repository.
func TestAdminRepoIsTheAdmins(t *testing.T) {
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil, func() Rules { return fakeRules{ReadRepo, Subject{Repo: AdminRepo}} })
	own := Subject{Repo: AdminRepo}
	for _, test := range []struct {
		caller     Caller
		read, push bool
	}{
		{Caller{Operator: "ana", Role: RoleAdmin}, true, true},
		{Caller{Operator: "ana", Role: RoleAdmin, Repos: "*"}, false, false},
		{Caller{Operator: "ana", Role: RoleAdmin, Repos: "admin"}, false, false},
		{Caller{Operator: "dora", Role: RoleDeploy}, false, false},
		{Caller{Operator: "cho", Ruled: true}, true, true},
		{Caller{Operator: "cho"}, false, false},
		{Caller{Operator: "ben", Ruled: true}, false, false}, // his rule applies to all repositories
		{Caller{Operator: "audrey", Ruled: true}, true, false},
		{System("start"), true, true},
	} {
		for _, right := range []Right{ReadRepo, ReadDeploys} {
			if got := policy.Allows(test.caller, right, own); got != test.read {
				t.Errorf("%+v: %s: %v", test.caller, right, got)
			}
		}
		for _, right := range []Right{PushRepo, Deploy, CreateRepo, DeleteRepo, Rollback} {
			if got := policy.Allows(test.caller, right, own); got != test.push {
				t.Errorf("%+v: %s: %v", test.caller, right, got)
			}
		}
	}
}

func TestRefusalsOfRulesNameThem(t *testing.T) {
	policy, hook := newPolicy(t, nil)
	policy.rules = func() Rules { return fakeRules{} }
	ben := Caller{Operator: "ben", Ruled: true}
	on := Subject{Repo: "shop", Ref: "refs/heads/main"}
	for right, want := range map[Right]string{
		Suspend: `not allowed to suspend apps of repository "shop" on branch "main": access.yaml:9 withholds it from "ben"`,
		Deploy:  `not allowed to deploy from repository "shop" on branch "main", of which it changes deploy/web.yaml: no rule gives it to "ben"`,
		Drain:   `not allowed to drain the server: no rule gives it to "ben"`,
	} {
		subject := on
		if right.OnServer() {
			subject = Subject{}
		}
		if err := policy.Check(ben, right, subject); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	last := hook.LastEntry().Data
	if len(hook.AllEntries()) != 3 || last["operator"] != "ben" {
		t.Errorf("audit lines: %v", hook.AllEntries())
	}
	for _, entry := range hook.AllEntries() {
		if entry.Data["right"] == string(Suspend) && (entry.Data["rule"] != "access.yaml:9" || entry.Data["ref"] != "refs/heads/main") {
			t.Errorf("audit line of a rule: %v", entry.Data)
		}
	}
}

func TestVerbsHaveRights(t *testing.T) {
	for _, verb := range Verbs() {
		right, ok := OfVerb(verb)
		if !ok || right.Verb() != verb || right.Least() == "" {
			t.Errorf("verb %q: right %q, %v", verb, right, ok)
		}
	}
	if _, ok := OfVerb(""); ok {
		t.Error("no verb has a right")
	}
}
