package secrets

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// sealed returns a value as SOPS writes it.
func sealed(kind string) string { return "ENC[AES256_GCM,data:x,iv:x,tag:x,type:" + kind + "]" }

// TestVariantsHaveOtherValues: in each format, the values differ but keep their type and
// form, and everything else is the same.
func TestVariantsHaveOtherValues(t *testing.T) {
	for name, test := range map[string]struct {
		format, text, plain string
		values              []string
		want                [Variants]string
	}{
		"yaml": {
			"yaml", "a: " + sealed("str") + "\nport: " + sealed("int") + "\non: " + sealed("bool") + "\nopen: x\nsops:\n    mac: " + sealed("str") + "\n",
			"a: Pass-09\n",
			[]string{"Pass-09", "8080", "true"},
			[2]string{"a: \"Qbtt-11\"\nport: 9191\non: false\nopen: x\n", "a: \"Teww-44\"\n"},
		},
		"unknown values": {
			"yaml", "a: " + sealed("str") + "\nsops:\n    mac: " + sealed("str") + "\n", "", nil,
			[2]string{"a: \"a1b2c3d4e5f6\"\n", "a: \"QzYxWvUtSrQpOnMl\"\n"},
		},
		"no letters": {
			"yaml", "a: " + sealed("str") + "\nsops:\n    mac: " + sealed("str") + "\n", "a: '---'\n",
			[]string{"---"},
			[2]string{"a: \"a1b2c3d4e5f6\"\n", "a: \"QzYxWvUtSrQpOnMl\"\n"},
		},
		"lines and quotes": {
			"json", `{"a": "` + sealed("str") + `", "sops": {"mac": "` + sealed("str") + `"}}`, `{"a": "x"}`,
			[]string{"say \"hi\"\nnow"},
			[2]string{`{"a":"tbz \"ij\"\nopx"}`, `{"a":"wec \"lm\"\nrsa"}`},
		},
		"dotenv": {
			"dotenv", "A=" + sealed("str") + "\nsops_mac=" + sealed("str") + "\n", "A=abc\n",
			[]string{"abc"},
			[2]string{"A=bcd\n", "A=efg\n"},
		},
		"a manifest keeps its kind and name": {
			"yaml", "apiVersion: " + sealed("str") + "\nkind: " + sealed("str") + "\nmetadata:\n    name: " + sealed("str") + "\nstringData:\n    a: " + sealed("str") + "\nsops:\n    mac: " + sealed("str") + "\n",
			"apiVersion: v1\nkind: Secret\nmetadata:\n    name: login\nstringData:\n    a: abc\n",
			[]string{"v1", "Secret", "login", "abc"},
			[2]string{"apiVersion: \"v1\"\nkind: \"Secret\"\nmetadata:\n    name: \"login\"\nstringData:\n    a: \"bcd\"\n"},
		},
	} {
		for n := 1; n <= Variants; n++ {
			got := varied(request{Format: test.format, Data: []byte(test.text)}, opened{plain: []byte(test.plain), values: test.values}, n)
			if want := test.want[n-1]; want != "" && !strings.HasPrefix(string(got.plain), want) {
				t.Errorf("%s: variant %d is\n%s\nwant\n%s", name, n, got.plain, want)
			}
		}
	}
}

// made returns an object that a template has made from a password.
func made(password, name string) *manifest.Object {
	reversed := []byte(password)
	slices.Reverse(reversed)
	return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "annotations": map[string]any{"upper": strings.ToUpper(password), "open": "shown"}},
		"data": map[string]any{
			"plain": "db://u:" + password + "@db", "reversed": string(reversed), "split": strings.Join(strings.Split(password, ""), "-"),
			"short": password[:2], "open": "shown",
		},
		"list":              []any{"shown", password[2:], int64(len(password)), int64(password[0])},
		"keys":              map[string]any{strings.ToUpper(password): "x"},
		"k" + password[0:1]: "x",
		"length":            int64(len(password)),
	}}}
}

// TestWhatIsMadeOfValuesIsConcealed: a part of a value is masked where it stands, and
// text that does not depend on the value is shown.
func TestWhatIsMadeOfValuesIsConcealed(t *testing.T) {
	const password = "hunter-two"
	files := &Files{decrypted: map[string]opened{"a.yaml": {values: []string{password}}}}
	o := made(password, "config")
	delete(o.Object, "kh")
	var variants []Rendered
	for n := 1; n <= Variants; n++ {
		other := turn(password, n)
		twin := made(other, "config")
		delete(twin.Object, "k"+other[:1])
		variants = append(variants, Rendered{Files: &Files{decrypted: map[string]opened{"a.yaml": {values: []string{other}}}}, Objects: []*manifest.Object{twin}})
	}
	files.Hide([]*manifest.Object{o})
	if problems := files.ConcealIn([]*manifest.Object{o}, variants); len(problems) > 0 {
		t.Fatal(problems)
	}
	m := manifest.NewMasker([]byte("key")).Hiding(o.Hidden()).Of(o)
	text := dump(m.Mask(o.Object))
	for _, leak := range []string{password, "HUNTER", "owt-retnuh", "h-u-n", `"hu"`, "nter-two", ":104"} {
		if strings.Contains(text, leak) {
			t.Errorf("%q is shown: %s", leak, text)
		}
	}
	for _, kept := range []string{`"open":"shown"`, `db://u:(secret `, `"length":10`, `"name":"config"`, `["shown",`} {
		if !strings.Contains(text, kept) {
			t.Errorf("%q is not shown: %s", kept, text)
		}
	}
	for _, change := range manifest.Diff(nil, o.Object, m) {
		for _, leak := range []string{password, "HUNTER", "owt-retnuh", "h-u-n", "nter-two", "104"} {
			if strings.Contains(change.After+change.Path, leak) || change.After == "hu" {
				t.Errorf("the plan shows %q: %+v", leak, change)
			}
		}
	}
	if got := o.Redact("Invalid value: \"h-u-n-t-e-r---t-w-o\", 'hu'"); strings.Contains(got, "h-u") || strings.Contains(got, "'hu'") {
		t.Errorf("an error shows %q", got)
	}
}

// TestNothingIsShownWithoutVariants: if no other value can be rendered, everything but the
// object's identity is concealed.
func TestNothingIsShownWithoutVariants(t *testing.T) {
	files := &Files{decrypted: map[string]opened{"a.yaml": {values: []string{"hunter-two"}}}}
	o := made("hunter-two", "config")
	failed := []Rendered{{Problems: manifest.Problems{{Message: "no base64"}}}, {Problems: manifest.Problems{{Message: "no base64"}}}}
	if problems := files.ConcealIn([]*manifest.Object{o}, failed); len(problems) > 0 {
		t.Fatal(problems)
	}
	text := dump(manifest.NewMasker([]byte("key")).Hiding(o.Hidden()).Of(o).Mask(o.Object))
	if strings.Contains(text, "shown") || !strings.Contains(text, `"name":"config"`) {
		t.Error(text)
	}
}

// TestNamesOfValuesAreRefused: a name must not depend on a value, except for a hash that
// kustomize has added.
func TestNamesOfValuesAreRefused(t *testing.T) {
	files := &Files{decrypted: map[string]opened{"a.yaml": {values: []string{"hunter-two"}}}}
	twins := func(name string) []Rendered {
		return []Rendered{{Files: files, Objects: []*manifest.Object{made("ivoufs-uxp", name)}}}
	}
	for _, test := range []struct {
		name, twin string
		refused    bool
	}{
		{"web", "web", false},
		{"owt-retnuh", "pxu-sfuovi", true},
		{"login-8mbk2h7m5f", "login-97t4bgc6kd", false},
		{"hunter-8mbk2h7m5f", "ivoufs-97t4bgc6kd", true},
	} {
		if problems := files.ConcealIn([]*manifest.Object{made("hunter-two", test.name)}, twins(test.twin)); len(problems) > 0 != test.refused {
			t.Errorf("%s: %v", test.name, problems)
		}
	}
}

// TestProblemsOfValuesAreNotShown: a template's error may contain a value.
func TestProblemsOfValuesAreNotShown(t *testing.T) {
	at := manifest.Source{File: "x.yaml", Line: 3}
	told := (&Files{}).TellAs(manifest.Problems{
		{Source: at, Message: "wrong type", Hint: "quote it"}, {Source: at, Message: "fail: REtnuh"},
	}, []Rendered{{Problems: manifest.Problems{{Source: manifest.Source{File: "x.yaml", Line: 9}, Message: "wrong type", Hint: "quote it"}, {Source: at, Message: "fail: SFuovi"}}}})
	if len(told) != 2 || told[0].Message != "wrong type" || strings.Contains(told[1].Message, "REtnuh") || told[1].Source != at || told[1].Hint == "" {
		t.Errorf("%+v", told)
	}
}

// dump writes an object for inspection.
func dump(object map[string]any) string {
	text, _ := (&unstructured.Unstructured{Object: object}).MarshalJSON()
	return string(text)
}
