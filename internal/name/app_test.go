package name

import (
	"strings"
	"testing"
)

func TestParseApp(t *testing.T) {
	long := strings.Repeat("a", MaxApp)
	for in, want := range map[string]string{
		"shop": "", "a": "", "0": "", "8080": "", "shop-2": "", "a--b": "", long: "",
		"":         "is empty",
		long + "a": "has 54 characters; at most 53 are allowed",
		"Shop":     "is not made of lower-case letters, digits and inner hyphens",
		"-shop":    "is not made of lower-case letters, digits and inner hyphens",
		"shop-":    "is not made of lower-case letters, digits and inner hyphens",
		"a.b":      "is not made of lower-case letters, digits and inner hyphens",
		"a_b":      "is not made of lower-case letters, digits and inner hyphens",
		"a/b":      "is not made of lower-case letters, digits and inner hyphens",
		"shop\n":   "is not made of lower-case letters, digits and inner hyphens",
		"shöp":     "is not made of lower-case letters, digits and inner hyphens",
		"--force":  "is not made of lower-case letters, digits and inner hyphens",
	} {
		app, err := ParseApp(in)
		if got := text(err); got != want || (err == nil) != (string(app) == in && in != "") {
			t.Errorf("ParseApp(%q) = %q, %q; want the error %q", in, app, got, want)
		}
	}
}

func TestCheckLabel(t *testing.T) {
	long := strings.Repeat("a", maxLabel)
	if err := CheckLabel(long); err != nil {
		t.Errorf("a label of %d bytes: %v", maxLabel, err)
	}
	if err := CheckLabel(long + "a"); text(err) != "has 64 characters; at most 63 are allowed" {
		t.Errorf("a label of %d bytes: %v", maxLabel+1, err)
	}
}

// FuzzParseApp: an app's name can be a part of a ref and of a path, and a word that no
// program reads as an option.
func FuzzParseApp(f *testing.F) {
	for _, seed := range []string{"shop", "-x", "a-", "a.lock", "..", "A", "a\n", strings.Repeat("a", MaxApp+1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		app, err := ParseApp(in)
		if err != nil {
			return
		}
		if string(app) != in || len(app) > MaxApp || strings.Trim(in, "-") != in || strings.ContainsAny(in, "./\\\n ") {
			t.Errorf("ParseApp(%q) = %q", in, app)
		}
		if _, err := ParseBranch("apps/" + in); err != nil {
			t.Errorf("the app %q cannot be a part of a ref: %v", in, err)
		}
	})
}

// text returns the text of an error; "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
