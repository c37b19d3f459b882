package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup/bucket"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/notify"
)

// noon is the time of the tests.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// A finding has a hint exactly where something is to be done.
func TestFindings(t *testing.T) {
	const gib = uint64(1 << 30)
	day := 24 * time.Hour
	made := func(age time.Duration) *offsite.State {
		return &offsite.State{To: "s3://b", Backups: 3, Newest: &bucket.Object{}, Made: noon.Add(-age)}
	}
	lacks := manifest.Right{User: "pb", Verbs: "get", Resource: "pods"}
	many := slices.Repeat([]manifest.Right{lacks}, 9)
	for i := range many {
		many[i].Namespace = fmt.Sprintf("n%d", i)
	}
	for name, test := range map[string]struct {
		found Finding
		level Level
		says  string
	}{
		"git":                         {judgeGit("2.47.1", nil), OK, "2.47.1"},
		"no git":                      {judgeGit("", errors.New("git 2.20 is too old")), Problem, "too old"},
		"room":                        {judgeSpace(48*gib, 80*gib, "/data"), OK, "48.0 GiB of 80.0 GiB free in /data"},
		"a large disk, nearly full":   {judgeSpace(400*gib, 8000*gib, "/data"), OK, "400.0 GiB"},
		"a disk, nearly full":         {judgeSpace(7*gib, 80*gib, "/data"), Warning, "7.0 GiB"},
		"a small disk":                {judgeSpace(gib, 4*gib, "/data"), Warning, "1.0 GiB"},
		"a full disk":                 {judgeSpace(gib, 80*gib, "/data"), Problem, "1.0 GiB"},
		"a large disk, nearly none":   {judgeSpace(3*gib, 252*gib, "/data"), Warning, "3.0 GiB"},
		"a small full disk":           {judgeSpace(100<<20, gib, "/data"), Problem, "100.0 MiB of 1.0 GiB"},
		"inodes":                      {judgeInodes(50, 100), OK, "50 of 100 free"},
		"few inodes":                  {judgeInodes(9, 100), Warning, "9 of"},
		"no inodes":                   {judgeInodes(1, 100), Problem, "1 of"},
		"inodes without number":       {judgeInodes(0, 0), OK, "no limit"},
		"a fast disk":                 {judgeSync(300*time.Microsecond, nil), OK, "0.3 ms"},
		"a slow disk":                 {judgeSync(50*time.Millisecond, nil), Warning, "50.0 ms"},
		"a very slow disk":            {judgeSync(2*time.Second, nil), Problem, "2 s"},
		"a disk that does not write":  {judgeSync(0, errors.New("read-only")), Problem, "read-only"},
		"a clock":                     {judgeClock(kube.Greeting{Skew: -time.Second}), OK, "agrees"},
		"a clock ahead":               {judgeClock(kube.Greeting{Skew: 10 * time.Second}), Warning, "10 s ahead"},
		"a clock behind":              {judgeClock(kube.Greeting{Skew: -2 * time.Minute}), Problem, "2 min behind"},
		"a key for everybody":         {judgeShared(nil, []Named{{Name: "server", Own: true}, {Name: "a.age"}}, 2), Warning, "serve every repository: a.age"},
		"a key, and one grant":        {judgeShared(nil, []Named{{Name: "a.age"}}, 1), OK, "no key is shared"},
		"a key that is somebody's":    {judgeShared([]rules.Named{{Keys: []grant.Name{"a.*"}}}, []Named{{Name: "server", Own: true}, {Name: "a.age"}}, 2), OK, "only its own"},
		"all keys are somebody's":     {judgeShared([]rules.Named{{Keys: []grant.Name{"a.age", "server"}}}, []Named{{Name: "server", Own: true}, {Name: "a.age"}}, 2), OK, "no key is shared"},
		"a grant of all":              {judgeShared([]rules.Named{{Keys: []grant.Name{"*"}}}, []Named{{Name: "a.age"}}, 2), Warning, "a.age"},
		"a key that is not there":     {judgeShared([]rules.Named{{Keys: []grant.Name{"b.age"}}}, []Named{{Name: "a.age"}, {Name: "b.age", Credential: true}}, 2), Warning, "does not have: b.age"},
		"keys of a cloud":             {judgeShared([]rules.Named{{Keys: []grant.Name{"arn:x:key/1"}, Credentials: []grant.Name{"oci://x"}}}, []Named{{Name: "arn:x:*"}, {Name: "oci://x", Credential: true}}, 2), Warning, "every repository: arn:x:*"},
		"rights":                      {judgeRights(nil, nil), OK, "may do"},
		"a right that is lacking":     {judgeRights([]manifest.Right{lacks}, nil), Problem, "the user pb may not get pods in the whole cluster"},
		"many":                        {judgeRights(many, nil), Problem, "and 4 more"},
		"unknown rights":              {judgeRights(nil, errors.New("timeout")), Warning, "not known: timeout"},
		"closed grants":               {judgeGrants(nil), OK, "only admins deploy"},
		"open grants":                 {judgeGrants([]string{"dora", "ben"}), Warning, "who is no admin may: ben, dora"},
		"no backups":                  {judgeByHand(time.Time{}, nil, noon), Warning, "none by itself, and nobody has made one"},
		"one by hand":                 {judgeByHand(noon.Add(-day), nil, noon), OK, "taken on 2026-11-27 12:00 UTC"},
		"an old one by hand":          {judgeByHand(noon.Add(-8*day), nil, noon), Warning, "taken on 2026-11-20 12:00 UTC"},
		"some by hand, unreadable":    {judgeByHand(time.Time{}, errors.New("the disk"), noon), Warning, "the disk"},
		"no backup yet":               {judgeBackups(&offsite.State{To: "s3://b"}, noon), Warning, "none yet in s3://b"},
		"a backup":                    {judgeBackups(made(day), noon), OK, "3 in s3://b, the newest of 2026-11-27 12:00 UTC"},
		"an old backup":               {judgeBackups(made(8*day), noon), Warning, "of 2026-11-20"},
		"backups that fail":           {judgeBackups(&offsite.State{Failure: &offsite.Failure{Since: noon, Error: "forbidden", Hint: "mend"}}, noon), Problem, "forbidden"},
		"a trail":                     {judgeTrail(audit.Verdict{Lines: 7}, nil), OK, "7 lines"},
		"a trail with faults":         {judgeTrail(audit.Verdict{Faults: make([]audit.Fault, 2), More: 3}, nil), Problem, "written: 5"},
		"no trail":                    {judgeTrail(audit.Verdict{}, errors.New("no file")), Problem, "no file"},
		"no mirror":                   {judgeMirrors(nil, noon), OK, "no repository is fetched"},
		"mirrors":                     {judgeMirrors([]mirror.Standing{{Repo: "shop"}, {Repo: "shop", Remote: "x", Trouble: &mirror.Trouble{Since: noon.Add(-time.Minute)}}}, noon), OK, "of 2 upstreams and remotes, none is away"},
		"one is away":                 {judgeMirrors([]mirror.Standing{{Repo: "shop", Remote: "x", Trouble: &mirror.Trouble{Since: noon.Add(-time.Hour), Error: "no\nanswer"}}}, noon), Warning, "cannot be reached: remote x of shop since 2026-11-28 11:00 UTC (no answer)"},
		"one is stuck":                {judgeMirrors([]mirror.Standing{{Repo: "shop", Stuck: 1}}, noon), Warning, "not all is taken: the upstream of shop"},
		"nobody to tell":              {judgeTold(nil, "", noon), OK, "nobody is to be told"},
		"receivers":                   {judgeTold([]notify.ReceiverState{{Name: "ops"}, {Name: "ben", Since: noon.Add(-time.Minute)}}, "", noon), OK, "2 receivers, and none fails for long"},
		"a receiver that fails":       {judgeTold([]notify.ReceiverState{{Name: "ops", Since: noon.Add(-time.Hour), Error: "no\nanswer"}}, "", noon), Warning, "take no message: ops since 2026-11-28 11:00 UTC (no answer)"},
		"one that fails for long":     {judgeTold([]notify.ReceiverState{{Name: "ops", Since: noon.Add(-day)}, {Name: "ben", Since: noon.Add(-time.Hour), Dropped: 2}}, "", noon), Problem, "2 messages given up"},
		"an outbox that is broken":    {judgeTold(nil, "the disk", noon), Problem, "nobody is told anything: the disk"},
		"settings":                    {judgeSettings(nil, nil), OK, "in force"},
		"settings to take up":         {judgeSettings([]Setting{{"log.level", "p.yaml:3", true}}, nil), Warning, "log.level has changed (p.yaml:3)"},
		"settings that take restarts": {judgeSettings([]Setting{{"log.level", "p.yaml:3", true}, {"data", "p.yaml:1", false}}, nil), Warning, "data has changed (p.yaml:1), which takes a restart"},
		"wrong settings":              {judgeSettings(nil, errors.New("p.yaml:3: no")), Problem, "would not start again: p.yaml:3: no"},
		"no key":                      {judgeKeys(nil, noon)[0], OK, "none expires"},
		"a key that lasts":            {judgeKeys([]key{{"ben", "SHA256:x", noon.Add(31 * day)}}, noon)[0], OK, "none expires"},
		"a key that expires":          {judgeKeys([]key{{"ben", "SHA256:x", noon.Add(29 * day)}}, noon)[0], Warning, "ben (SHA256:x) on 2026-12-27"},
		"a key that has expired":      {judgeKeys([]key{{"ben", "SHA256:x", noon}}, noon)[0], Warning, "open nothing: ben (SHA256:x)"},
		"signers":                     {judgeSigners(map[string]int{"shop": 1}, map[string]int{"shop": 1}), OK, "can be signed"},
		"signers whose keys expire":   {judgeSigners(map[string]int{"shop": 1}, map[string]int{"shop": 0}), Warning, "within 30 days, nobody"},
		"nobody who can sign":         {judgeSigners(map[string]int{"shop": 0, "blog": 1}, map[string]int{"blog": 1}), Problem, "sign for shop"},
		"a certificate":               {judgeCertificates(kube.Greeting{ClientCertificate: noon.Add(60 * day)}, noon)[0], OK, "good until 2027-01-27"},
		"one that expires":            {judgeCertificates(kube.Greeting{ServerCertificate: noon.Add(20 * day)}, noon)[0], Warning, "the API server's certificate is good until 2026-12-18"},
		"one that has expired":        {judgeCertificates(kube.Greeting{ClientCertificate: noon}, noon)[0], Problem, "expired on 2026-11-28"},
	} {
		f := test.found
		if f.Level != test.level || !strings.Contains(f.Says, test.says) || f.Check == "" || (f.Hint == "") != (f.Level == OK) {
			t.Errorf("%s: %+v, want %s, %q", name, f, test.level, test.says)
		}
	}
	if f := judgeSigners(nil, nil); f != (Finding{}) {
		t.Errorf("no entry of requireSigned: %+v", f)
	}
	if found := judgeCertificates(kube.Greeting{}, noon); len(found) > 0 {
		t.Errorf("no certificates: %+v", found)
	}
	if found := judgeKeys([]key{{"a", "x", noon}, {"b", "y", noon.Add(day)}}, noon); len(found) != 2 || Count(found, Warning) != 2 {
		t.Errorf("one expired, one expires: %+v", found)
	}
	if hint := judgeSettings([]Setting{{"data", "", false}, {"log.level", "", true}}, nil).Hint; !strings.Contains(hint, "drain") {
		t.Errorf("settings that take a restart have the hint %q", hint)
	}
}

// patient is a cluster that answers, or does not.
type patient struct {
	away error
	may  func(manifest.Right) error
}

func (patient) Name() string                                          { return "default" }
func (p patient) Greet(context.Context) (kube.Greeting, error)        { return kube.Greeting{}, p.away }
func (p patient) Self(context.Context) (string, error)                { return "pb", nil }
func (p patient) Needs(_ context.Context, right manifest.Right) error { return p.may(right) }

func TestMeasureSync(t *testing.T) {
	if took, err := measureSync(t.TempDir()); err != nil || took <= 0 {
		t.Error(took, err)
	}
	if _, err := measureSync("/nonexistent"); err == nil {
		t.Error("a directory that is not there can be written to")
	}
}

func TestNeededRights(t *testing.T) {
	rights := needed([]string{"team/deployer"})
	for _, right := range rights {
		if strings.Contains(right.Verbs, ",") || right.Verbs == "" || right.Resource == "" {
			t.Errorf("%+v is not one question", right)
		}
	}
	want := manifest.Right{Verbs: "impersonate", Resource: "serviceaccounts", Namespace: "team", Name: "deployer"}
	if !slices.Contains(rights, want) || !slices.Contains(rights, manifest.Right{Verbs: "patch", Resource: "secrets", Namespace: "pushboat-system"}) {
		t.Errorf("%+v", rights)
	}
}
