package access

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/pushboat/pushboat/internal/name"
)

type admins []string

func (a admins) Admins() []string { return a }

func newPolicy(t testing.TB, who Admins) (*Policy, *logtest.Hook) {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return NewPolicy(logrus.NewEntry(logger), who), logtest.NewLocal(logger)
}

// TestRightsTable spells the whole table out, so that a change of it is seen.
func TestRightsTable(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	least := map[Right]Role{
		ReadRepo: RoleRead, ReadDeploys: RoleRead, ReadServer: RoleRead,
		PushRepo: RolePush,
		Deploy:   RoleDeploy, CreateRepo: RoleDeploy, ReadLogs: RoleDeploy,
		DeleteRepo: RoleAdmin, Administer: RoleAdmin,
	}
	if len(least) != len(rules) {
		t.Fatalf("the test knows %d rights, the table has %d", len(least), len(rules))
	}
	order := map[Role]int{"": -1, "root": -1, RoleRead: 0, RolePush: 1, RoleDeploy: 2, RoleAdmin: 3}
	for right, need := range least {
		for role, rank := range order {
			err := policy.Check(Caller{Operator: "ana", Role: role}, right, "shop")
			if want := rank >= order[need]; (err == nil) != want {
				t.Errorf("%q for %q: %v, want allowed=%v", right, role, err, want)
			}
		}
	}
}

func TestCheckRefusesWhatIsNotInTheTable(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	if err := policy.Check(System("test"), Right("fly"), ""); !errors.Is(err, ErrDenied) {
		t.Errorf("unknown right: %v", err)
	}
	if err := policy.Check(Caller{}, ReadRepo, "shop"); !errors.Is(err, ErrDenied) {
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
		{Administer, "shop", false}, // a right on the server is not had by a repository's name
		{ReadServer, "shop", false},
	} {
		if got := policy.Allows(robot, test.right, name.Repo(test.subject)); got != test.want {
			t.Errorf("%s on %q: %v", test.right, test.subject, got)
		}
	}
}

func TestRefusalSaysWhatItTakesAndWhomToAsk(t *testing.T) {
	policy, _ := newPolicy(t, admins{"ana", "ben"})
	err := policy.Check(Caller{Operator: "eve", Role: RoleRead}, PushRepo, "shop")
	want := `not allowed to push to repository "shop": it takes the role "push", and the key of "eve" has "read"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	var denied *DeniedError
	if !errors.As(err, &denied) || denied.Hint() != "ask an admin: ana, ben" {
		t.Errorf("denied = %+v", denied)
	}
	err = policy.Check(Caller{Operator: "ci", Role: RolePush, Repos: "shop*"}, PushRepo, "blog")
	if err == nil || !strings.Contains(err.Error(), `the key of "ci" is for repositories "shop*" only`) {
		t.Errorf("got %v", err)
	}
	if !errors.As(err, &denied) || denied.Least != RolePush || denied.Subject != "blog" {
		t.Errorf("denied = %+v", denied)
	}
}

func TestEveryCheckIsAudited(t *testing.T) {
	policy, hook := newPolicy(t, nil)
	ana := Caller{Operator: "ana", Fingerprint: "SHA256:x", Role: RoleRead, Remote: "192.0.2.7:1"}
	policy.Allows(ana, ReadRepo, "shop")
	if len(hook.AllEntries()) != 0 {
		t.Error("Allows writes an audit line")
	}
	policy.Check(ana, ReadRepo, "shop")
	policy.Check(ana, PushRepo, name.Repo(strings.Repeat("a", 1000)))
	policy.Check(System("schedule of shop"), Deploy, "shop")
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

// TestReservedRepositoryIsForAdmins: others may read it, whatever their role; and the rest
// of the repositories is as it was.
func TestReservedRepositoryIsForAdmins(t *testing.T) {
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil)
	policy.Reserve("pushboat")
	for _, right := range []Right{ReadRepo, PushRepo, Deploy, ReadDeploys, ReadLogs, CreateRepo} {
		reads := right == ReadRepo || right == ReadDeploys
		if got := policy.Allows(Caller{Role: RoleDeploy}, right, "pushboat"); got != reads {
			t.Errorf("%s: %t for the role deploy", right, got)
		}
		if !policy.Allows(Caller{Role: RoleAdmin}, right, "pushboat") || !policy.Allows(Caller{Role: RoleDeploy}, right, "shop") {
			t.Errorf("%s is refused to an admin, or on another repository", right)
		}
	}
	if policy.Allows(Caller{Role: RoleAdmin, Repos: "shop"}, PushRepo, "pushboat") {
		t.Error("a key for another repository may push")
	}
	if !NewPolicy(logrus.NewEntry(logrus.New()), nil).Allows(Caller{Role: RoleRead}, ReadRepo, "") {
		t.Error("without one, the empty name is reserved")
	}
}
