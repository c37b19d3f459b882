package rules

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
)

// corp is an authorities.yaml with one authority, whose further fields are given.
func corp(t testing.TB, rest string) map[string]string {
	t.Helper()
	return map[string]string{"authorities.yaml": "authorities:\n  corp:\n    keys: [" + caText(t) + "]\n" + rest + "\n"}
}

func caText(t testing.TB) string {
	t.Helper()
	return keytest.Text(keytest.Signer(t, "ca").PublicKey())
}

func TestAuthoritiesAreRead(t *testing.T) {
	other := keytest.Signer(t, "other").PublicKey()
	r := parsedTree(t, world(t, map[string]string{"authorities.yaml": "authorities:\n" +
		"  corp:\n    keys:\n    - key: " + caText(t) + " corp\n      expires: 2027-01-01\n      from: 192.0.2.0/24\n    - " + keytest.Text(other) + "\n" +
		"    principals:\n      ana: ana\n      'shop deployers': shop\n      10: ben\n" +
		"    revoked:\n      serials: [17, 20 - 30, 18446744073709551615]\n      keyIds: ['ben (lost)']\n      keys: [" + ssh.FingerprintSHA256(other) + ", " + caText(t) + "]\n" +
		"  lab:\n    keys: []\n    principals: [ana, shop]\n"}))
	all := r.Authorities()
	if len(all) != 2 || all[0].Name != "corp" || len(all[0].Keys) != 2 || all[0].Keys[0].From != "192.0.2.0/24" || all[0].Keys[0].Expires.Year() != 2027 {
		t.Fatalf("read %+v", all)
	}
	want := []Principal{
		{"ana", "ana", "", all[0].Principals[0].At},
		{"shop deployers", "", "shop", all[0].Principals[1].At},
		{"10", "ben", "", all[0].Principals[2].At},
	}
	if !slices.Equal(all[0].Principals, want) || want[1].At.String() != "authorities.yaml:10" {
		t.Errorf("principals %+v", all[0].Principals)
	}
	if operators, groups := all[1].lets([]string{"shop", "ana", "x"}); !slices.Equal(operators, []string{"ana"}) || !slices.Equal(groups, []string{"shop"}) {
		t.Errorf("the list of principals allows %q and %q", operators, groups)
	}
	revoked := all[0].Revoked
	if words := revoked.words(); len(words) != 6 || words[1] != "serial 20-30" || words[2] != "serial 18446744073709551615" {
		t.Errorf("revoked: %q", words)
	}
	if got := (serials{from: 5, to: math.MaxUint64}).String(); got != "5 and above" {
		t.Error(got)
	}
	if got := r.Certifying("ana"); len(got) != 2 || got[0] != (Certifying{"corp", "ana", time.Time{}, "authorities.yaml:9"}) {
		t.Errorf("ana: %+v", got)
	}
	for _, test := range []struct {
		keys []Key
		want time.Time
	}{
		{nil, time.Time{}},
		{[]Key{{Expires: noon}, {Expires: noon.Add(minute)}, {Expires: noon}}, noon.Add(minute)},
		{[]Key{{Expires: noon}, {}}, time.Time{}},
	} {
		if got := (&Authority{Keys: test.keys}).expires(); !got.Equal(test.want) {
			t.Errorf("%d keys expire at %s, want %s", len(test.keys), got, test.want)
		}
	}
	if got := r.Certifying("@admins,shop"); len(got) != 2 || got[1].Principal != "shop" {
		t.Errorf("members of shop: %+v", got)
	}
	if got := r.Certifying("dora"); len(got) != 0 {
		t.Errorf("dora: %+v", got)
	}
}

// TestProblemsOfAuthorities tries everything that can be wrong with authorities.yaml.
func TestProblemsOfAuthorities(t *testing.T) {
	named := func(name string) map[string]string {
		return map[string]string{"authorities.yaml": "authorities:\n  " + name + ": {keys: [], principals: []}\n"}
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
		hint  string
	}{
		"a list":                  {map[string]string{"authorities.yaml": "authorities: []\n"}, "authorities.yaml:1: authorities is a list, not a mapping", "principals"},
		"an unknown field":        {map[string]string{"authorities.yaml": "authoritis: {}\n"}, `authorities.yaml:1: unknown field "authoritis"`, "did you mean authorities?"},
		"too many":                {map[string]string{"authorities.yaml": "authorities:\n" + numbered(maxAuthorities+1, "  a%d: {keys: [], principals: []}\n")}, "authorities.yaml:1: there are more than 50 authorities", ""},
		"a bad name":              {named("'a b'"), `authorities.yaml:2: authority "a b" is not a name`, ""},
		"a long name":             {named(strings.Repeat("a", 33)), "has more than 32 letters", ""},
		"no mapping":              {map[string]string{"authorities.yaml": "authorities: {corp: yes}\n"}, "authorities.yaml:1: authority corp is", "known fields are keys"},
		"no keys":                 {map[string]string{"authorities.yaml": "authorities: {corp: {principals: []}}\n"}, "authorities.yaml:1: keys is missing", "ssh-ed25519"},
		"no principals":           {map[string]string{"authorities.yaml": "authorities: {corp: {keys: []}}\n"}, "authorities.yaml:1: principals is missing", "OPERATOR or GROUP"},
		"a misspelt field":        {corp(t, "    principals: []\n    revokd: {}"), `authorities.yaml:5: unknown field "revokd" in authority corp`, "did you mean revoked?"},
		"no key":                  {map[string]string{"authorities.yaml": "authorities: {corp: {keys: [x], principals: []}}\n"}, "authorities.yaml:1: a key is \"TYPE BASE64\"", "ssh-keygen"},
		"a key twice":             {corp(t, "    principals: []\n  lab: {keys: ["+caText(t)+"], principals: []}"), "authorities.yaml:5: the key " + ssh.FingerprintSHA256(keytest.Signer(t, "ca").PublicKey()) + " is authority corp's already (authorities.yaml:3)", "stands once"},
		"an operator's key":       {map[string]string{"authorities.yaml": "authorities: {corp: {keys: [" + keyText(t, 0) + "], principals: []}}\n"}, "is operator ana's (operators/ana.yaml:3)", "nobody logs in with"},
		"a name of members":       {merged(corp(t, "    principals: []"), map[string]string{"operators/eve@corp.yaml": "keys: []\n"}), "authorities.yaml:2: operator eve@corp has a name that bearers of certificates of corp could have", "another name"},
		"nobody":                  {corp(t, "    principals: {a: anna}"), `authorities.yaml:4: principal a: there is no operator or group "anna"`, "did you mean ana?"},
		"nobody in a list":        {corp(t, "    principals: [anna]"), `authorities.yaml:4: principal anna: there is no operator or group "anna"`, "did you mean ana?"},
		"everyone":                {corp(t, "    principals: {a: everyone}"), "authorities.yaml:4: everyone stands for all operators", "an operator or a group"},
		"two in one":              {corp(t, "    principals: {a: [ana, ben]}"), "authorities.yaml:4: a is a list, not text", ""},
		"no principal":            {corp(t, "    principals: {'': ana}"), "authorities.yaml:4: a principal has 1 to 200 letters", ""},
		"principals that are one": {corp(t, "    principals: ana"), "authorities.yaml:4: principals is \"ana\", not a mapping", "shop-deployers"},
		"too many principals":     {corp(t, "    principals:\n"+numbered(maxPrincipals+1, "      p%d: ana\n")), "authorities.yaml:4: there are more than 5000 principals", ""},
		"no serial":               {corp(t, "    principals: []\n    revoked: {serials: [x]}"), `authorities.yaml:5: serials: "x" is no number`, "17, or 100-120"},
		"a serial backwards":      {corp(t, "    principals: []\n    revoked: {serials: [9-8]}"), `authorities.yaml:5: serials: "9-8" is no number`, ""},
		"too large a serial":      {corp(t, "    principals: []\n    revoked: {serials: [18446744073709551616]}"), "is no number", ""},
		"serial 0":                {corp(t, "    principals: []\n    revoked: {serials: [0-5]}"), "authorities.yaml:5: serials begin at 1", "keyIds"},
		"no fingerprint":          {corp(t, "    principals: []\n    revoked: {keys: [MD5:x]}"), "authorities.yaml:5: keys: this is no fingerprint and no public key", "ssh-keygen -lf"},
		"revoked that is a list":  {corp(t, "    principals: []\n    revoked: [17]"), "authorities.yaml:5: revoked is a list, not a mapping", "serials"},
		"key ids that are one":    {corp(t, "    principals: []\n    revoked: {keyIds: x}"), "authorities.yaml:5: keyIds is \"x\", not a list", "in brackets"},
		"a near file name":        {map[string]string{"authoritys.yaml": "x: 1\n"}, "authoritys.yaml: this file is not read", "did you mean authorities.yaml?"},
	} {
		r, problems := Parse(world(t, test.files))
		i := slices.IndexFunc(problems, func(p problem) bool {
			return strings.Contains(p.Error(), test.want) && strings.Contains(p.Hint, test.hint)
		})
		if i < 0 || r != nil {
			t.Errorf("%s: %v, want %q and the hint %q", name, problems, test.want, test.hint)
		}
	}
}

// FuzzAuthorities: any authorities.yaml gives rules that can be compared, or problems with
// a place; and no content of it accepts a certificate that none of its keys has signed.
func FuzzAuthorities(f *testing.F) {
	f.Add("authorities: {corp: {keys: [" + caText(f) + "], principals: {a: ana, s: shop}, revoked: {serials: [1-5, 9], keyIds: [x], keys: [SHA256:x]}}}\n")
	f.Add("authorities:\n  corp:\n    keys:\n    - {key: x, expires: 2026-01-01, from: [::1]}\n    principals: [ana, everyone]\n")
	f.Add("authorities: &a {corp: {keys: [], principals: *a}}\n")
	foreign := keytest.Certify(f, keytest.Signer(f, "eve"), keytest.Signer(f, "new").PublicKey(), noon, nil)
	f.Fuzz(func(t *testing.T, text string) {
		r, problems := Parse(world(t, map[string]string{"authorities.yaml": text}))
		if (r == nil) != (len(problems) > 0) {
			t.Fatalf("rules %v with problems %v", r != nil, problems)
		}
		for _, p := range problems {
			if p.Source.File == "" || p.Message == "" {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
		if r == nil {
			return
		}
		if lines := Compare(r, r); len(lines) > 0 {
			t.Errorf("rules differ from themselves: %q", lines)
		}
		if op, err := r.Certified(foreign, noon); err == nil {
			t.Errorf("the rules accept %+v", op)
		}
	})
}

func merged(all ...map[string]string) map[string]string {
	files := map[string]string{}
	for _, some := range all {
		maps.Copy(files, some)
	}
	return files
}

// TestCertificatesLetIn tries the callers whom certificates allow, and each reason to
// refuse one.
func TestCertificatesLetIn(t *testing.T) {
	ca, bens := keytest.Signer(t, "ca"), public(t, seeds["ben"])
	key := keytest.Signer(t, "new").PublicKey()
	const principals = "    principals: {ana: ana, ben: ben, b: ben, shop: shop, ops: admins}"
	for name, test := range map[string]struct {
		rest   string            // further fields of the authority
		files  map[string]string // further files
		change func(*ssh.Certificate)
		want   access.Operator
		err    string
	}{
		"an operator":           {change: nil, want: access.Operator{Name: "ana"}},
		"by another name":       {change: of("b", "x"), want: access.Operator{Name: "ben"}},
		"by two names":          {change: of("b", "ben"), want: access.Operator{Name: "ben"}},
		"a member":              {change: of("shop"), want: access.Operator{Name: "ana@laptop@corp", Groups: "shop"}},
		"of two groups":         {change: of("shop", "ops"), want: access.Operator{Name: "ana@laptop@corp", Groups: "admins,shop"}},
		"an operator, beside":   {change: of("shop", "ana"), want: access.Operator{Name: "ana"}},
		"two operators":         {change: of("ana", "ben"), err: "is of several operators: ana, ben"},
		"nobody":                {change: of("root", "x"), err: `names no principal that corp may certify: it has "root", "x"`},
		"a nameless member":     {change: func(c *ssh.Certificate) { c.ValidPrincipals, c.KeyId = []string{"shop"}, "" }, err: "has no key id to call its bearer by"},
		"expired":               {change: func(c *ssh.Certificate) { c.ValidBefore = uint64(noon.Unix()) }, err: `certificate 17 "ana@laptop" of corp (key ` + ssh.FingerprintSHA256(key) + ") expired on 2026-11-28 12:00 UTC"},
		"its serial is revoked": {rest: "    revoked: {serials: [3, 10-20]}", err: "was revoked (authorities.yaml:5)"},
		"its key id is":         {rest: "    revoked:\n      keyIds: [x, ana@laptop]", err: "was revoked (authorities.yaml:6)"},
		"its key is":            {rest: "    revoked: {keys: [" + ssh.FingerprintSHA256(key) + "]}", err: "was revoked (authorities.yaml:5)"},
		"others are":            {rest: "    revoked: {serials: [1-16, 18], keyIds: [ana], keys: [" + ssh.FingerprintSHA256(bens) + "]}", want: access.Operator{Name: "ana"}},
		"of her own key":        {change: func(c *ssh.Certificate) { c.Key = public(t, 0) }, want: access.Operator{Name: "ana"}},
		"of his key for her":    {change: func(c *ssh.Certificate) { c.Key = bens }, err: "lets ana in by a key of ben (operators/ben.yaml:3)"},
		"of a key that expired": {
			files:  map[string]string{"operators/ana.yaml": "keys:\n- {key: " + keyText(t, 0) + ", expires: 2026-11-28}\n"},
			change: func(c *ssh.Certificate) { c.Key = public(t, 0) }, err: "is of a key that expired on 2026-11-28 00:00 UTC (operators/ana.yaml:2)",
		},
		"of a key with limits": {
			files:  map[string]string{"operators/ana.yaml": "keys:\n- {key: " + keyText(t, 0) + ", expires: 2026-11-28T12:30, from: [192.0.2.0/24]}\n"},
			change: func(c *ssh.Certificate) { c.Key = public(t, 0) }, want: access.Operator{Name: "ana", From: "192.0.2.0/24", Expires: noon.Add(30 * minute)},
		},
		"of a key for elsewhere": {
			files: map[string]string{"operators/ana.yaml": "keys:\n- {key: " + keyText(t, 0) + ", from: [192.0.2.0/24]}\n"},
			change: func(c *ssh.Certificate) {
				c.Key, c.CriticalOptions = public(t, 0), map[string]string{"source-address": "198.51.100.7"}
			}, err: "can be used from no address",
		},
		"with one command": {
			change: func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "status"} },
			want:   access.Operator{Name: "ana", Command: "status"},
		},
		"of a host":         {change: func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, err: "is a host's"},
		"an unknown option": {change: func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": ""} }, err: `has the critical option "x"`},
	} {
		rest := principals
		if test.rest != "" {
			rest += "\n" + test.rest
		}
		r := parsedTree(t, world(t, merged(corp(t, rest), test.files)))
		cert := keytest.Certify(t, ca, key, noon, test.change)
		got, err := r.Certified(cert, noon)
		if test.err != "" || err != nil {
			if err == nil || test.err == "" || !strings.Contains(err.Error(), test.err) || got != (access.Operator{}) {
				t.Errorf("%s: %+v, %v; want %q", name, got, err, test.err)
			}
			continue
		}
		want := test.want
		if want.Expires.IsZero() {
			want.Expires = noon.Add(60 * minute)
		}
		want.Ruled, want.Fingerprint = true, access.Fingerprint(cert)
		want.Certificate = access.Certificate{Authority: "corp", Serial: 17, KeyID: "ana@laptop", Expires: want.Expires, Wire: string(cert.Marshal())}
		if got != want {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
	}
}

func of(principals ...string) func(*ssh.Certificate) {
	return func(c *ssh.Certificate) { c.ValidPrincipals = principals }
}

// TestAuthoritiesKeysHaveLimits: the limits of an authority's key also limit the
// certificates that it has signed. Of any other certificate nothing counts, and no text is
// repeated.
func TestAuthoritiesKeysHaveLimits(t *testing.T) {
	ca, key := keytest.Signer(t, "ca"), keytest.Signer(t, "new").PublicKey()
	with := func(rest string) *Rules {
		return parsedTree(t, world(t, map[string]string{"authorities.yaml": "authorities: {corp: {keys: [{key: " + caText(t) + rest + "}], principals: [ana]}}\n"}))
	}
	cert := keytest.Certify(t, ca, key, noon, nil)
	if _, err := with(", expires: 2026-11-28T12:00").Certified(cert, noon); err == nil || !strings.Contains(err.Error(), "is signed by a key that expired on") {
		t.Errorf("an expired key gives %v", err)
	}
	if op, err := with(", expires: 2026-11-28T12:01, from: 192.0.2.7").Certified(cert, noon); err != nil || op.From != "192.0.2.7/32" || !op.Expires.Equal(noon.Add(minute)) {
		t.Errorf("a key with limits: %+v, %v", op, err)
	}
	elsewhere := keytest.Certify(t, ca, key, noon, func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "198.51.100.7"} })
	if _, err := with(", from: 192.0.2.7").Certified(elsewhere, noon); err == nil || !strings.Contains(err.Error(), "can be used from no address") {
		t.Errorf("no address: %v", err)
	}
	foreign := keytest.Certify(t, keytest.Signer(t, "eve"), key, noon, func(c *ssh.Certificate) { c.KeyId = "HACKED" })
	want := "certificate of key " + ssh.FingerprintSHA256(key) + " is of the unknown authority " + ssh.FingerprintSHA256(keytest.Signer(t, "eve").PublicKey())
	if _, err := with("").Certified(foreign, noon); err == nil || err.Error() != want {
		t.Errorf("an unknown authority: %v", err)
	}
	forged := keytest.Certify(t, ca, key, noon, nil)
	forged.KeyId = "HACKED"
	if _, err := with("").Certified(forged, noon); err == nil || strings.Contains(err.Error(), "HACKED") {
		t.Errorf("a forged one: %v", err)
	}
	if _, err := None().Certified(cert, noon); err == nil {
		t.Error("without rules, a certificate is accepted")
	}
}

// TestMembersHaveWhatTheirGroupsHave: users with certificates for groups have the rights of
// these groups, and those of everyone.
func TestMembersHaveWhatTheirGroupsHave(t *testing.T) {
	r := parsed(t, "- {who: [shop], repositories: [shop], may: [deploy]}", "- {who: [everyone], repositories: [docs], may: [read]}",
		"- {who: [admins], may: [admin]}", "- {who: [ben], may: [push]}", "- {who: [admins], mayNot: [suspend]}")
	for _, test := range []struct {
		who   string
		right access.Right
		repo  string
		want  bool
	}{
		{"@shop", access.Deploy, "shop", true},
		{"@shop", access.Deploy, "blog", false},
		{"@shop", access.ReadRepo, "docs", true},
		{"@shop", access.PushRepo, "blog", false},
		{"@admins,shop", access.Deploy, "shop", true},
		{"@admins,shop", access.Suspend, "shop", false},
		{"@shop", access.Suspend, "shop", true},
		{"@none", access.ReadRepo, "docs", true},
		{"@", access.ReadRepo, "shop", false},
		{"shop", access.ReadRepo, "shop", false},
	} {
		if got := r.Decide(test.who, test.right, access.Subject{Repo: repoName(test.repo)}).Allowed; got != test.want {
			t.Errorf("%s: right %s on %s is %v", test.who, test.right, test.repo, got)
		}
	}
	if !r.Decide("@admins", access.Administer, access.Subject{}).Allowed || r.Decide("@shop", access.Administer, access.Subject{}).Allowed {
		t.Error("the wrong members are admins")
	}
}

// TestCompareAuthorities: the plan describes who may connect with certificates, and who no
// longer may.
func TestCompareAuthorities(t *testing.T) {
	fingerprint := ssh.FingerprintSHA256(keytest.Signer(t, "ca").PublicKey())
	rights := map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n- {who: [shop], repositories: [shop], may: [deploy]}\n"}
	for name, test := range map[string]struct {
		before, after map[string]string
		want          []string
	}{
		"one comes": {nil, merged(rights, corp(t, "    principals: [ana, ben, shop]")), []string{
			"+ ana, ben, certified members of shop can log in with certificates of corp",
			"+ authority corp can sign with " + fingerprint + " for good",
			"+ authority corp is trusted: its certificates let in whom it names",
			"+ certified members of shop may deploy on shop",
		}},
		"one goes": {merged(rights, corp(t, "    principals: {b: ben, shop: shop}")), nil, []string{
			"- authority corp can no longer sign with " + fingerprint + " for good",
			"- authority corp is not trusted any more",
			"- ben can no longer log in with certificates of corp, principal \"b\"",
			"- certified members of shop can no longer log in with certificates of corp",
			"- certified members of shop may no longer deploy on shop",
		}},
		"a group gains": {corp(t, "    principals: [shop]"), merged(rights, corp(t, "    principals: [shop]")), []string{"+ ben, ci, certified members of shop may deploy on shop"}},
		"some are revoked": {
			corp(t, "    principals: [ana]\n    revoked: {serials: [3]}"),
			corp(t, "    principals: [ana]\n    revoked: {serials: [5-7], keyIds: [lost], keys: ["+fingerprint+"]}"),
			[]string{
				"+ certificates of corp with serial 3 are accepted again",
				"- certificates of corp with key " + fingerprint + " are revoked",
				"- certificates of corp with key id \"lost\" are revoked",
				"- certificates of corp with serial 5-7 are revoked",
			},
		},
		"its key gets limits": {
			corp(t, "    principals: [ana]"),
			map[string]string{"authorities.yaml": "authorities: {corp: {keys: [{key: " + caText(t) + ", from: 192.0.2.7}], principals: [ana]}}\n"},
			[]string{"+ authority corp can sign with " + fingerprint + " for good, from 192.0.2.7/32", "- authority corp can no longer sign with " + fingerprint + " for good"},
		},
		"the same": {corp(t, "    principals: [ana]"), corp(t, "    principals: {ana: ana}\n    revoked: {}"), nil},
	} {
		base := map[string]string{}
		if name == "one comes" || name == "one goes" {
			base = rights
		}
		got := Compare(parsedTree(t, world(t, merged(base, test.before))), parsedTree(t, world(t, merged(base, test.after))))
		if !slices.Equal(got, indented(test.want)) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, strings.Join(got, "\n     "), strings.Join(indented(test.want), "\n     "))
		}
	}
}

// TestLockOutByCertificate: an admin with a certificate cannot lose it by their own push,
// and a server must keep an admin with a key.
func TestLockOutByCertificate(t *testing.T) {
	cert := keytest.Certify(t, keytest.Signer(t, "ca"), keytest.Signer(t, "new").PublicKey(), noon, of("ana"))
	member := keytest.Certify(t, keytest.Signer(t, "ca"), keytest.Signer(t, "new").PublicKey(), noon, of("ops"))
	const principals = "    principals: {ana: ana, ops: admins}"
	before := parsedTree(t, world(t, merged(corp(t, principals), map[string]string{"access.yaml": "rules:\n- {who: [admins, ben], may: [admin]}\n"})))
	by := func(cert *ssh.Certificate) access.Caller {
		op, err := before.Certified(cert, noon)
		if err != nil {
			t.Fatal(err)
		}
		return op.Caller(address(access.Caller{Remote: "192.0.2.7:5000"}))
	}
	both := map[string]string{"access.yaml": "rules:\n- {who: [admins, ben], may: [admin]}\n"}
	for name, test := range map[string]struct {
		author *ssh.Certificate
		files  map[string]string
		want   string
	}{
		"the same":               {cert, merged(both, corp(t, principals)), ""},
		"the same, by a group":   {member, merged(both, corp(t, principals)), ""},
		"no authority":           {cert, both, "is of the unknown authority"},
		"another principal":      {cert, merged(both, corp(t, "    principals: {ana: dora, ops: admins}")), "dora would not be an admin"},
		"no principal":           {member, merged(both, corp(t, "    principals: {ana: ana}")), "names no principal that corp may certify"},
		"another group":          {member, merged(both, corp(t, "    principals: {ops: shop}")), "ana@laptop@corp would not be an admin"},
		"revoked":                {cert, merged(both, corp(t, principals+"\n    revoked: {serials: [17]}")), "was revoked"},
		"for elsewhere":          {cert, merged(both, map[string]string{"authorities.yaml": "authorities: {corp: {keys: [{key: " + caText(t) + ", from: 198.51.100.7}], principals: [ana]}}\n"}), "could not be used from your address"},
		"no admin":               {cert, merged(map[string]string{"access.yaml": "rules:\n- {who: [ben], may: [admin]}\n"}, corp(t, principals)), "ana would not be an admin"},
		"only certificates":      {cert, merged(map[string]string{"access.yaml": "rules:\n- {who: [ana], may: [admin]}\n", "operators/ana.yaml": "keys: []\n"}, corp(t, principals)), "no person would be an admin"},
		"her key beside it goes": {cert, merged(both, corp(t, principals), map[string]string{"operators/ana.yaml": "keys: []\n"}), ""},
	} {
		problems := LockOut(before, parsedTree(t, world(t, test.files)), by(test.author), noon)
		switch {
		case test.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case test.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, test.want)):
			t.Errorf("%s: %v, want %q", name, problems, test.want)
		}
	}
	admins := parsedTree(t, world(t, merged(corp(t, principals), map[string]string{"operators/ana.yaml": "keys: []\n", "access.yaml": "rules:\n- {who: [admins, ben, dora], may: [admin]}\n"}))).Admins(noon)
	if !slices.Equal(admins, []string{"ana", "ben", "dora"}) {
		t.Errorf("the admins to ask are %q", admins)
	}
}
