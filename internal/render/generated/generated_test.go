package generated

import (
	"encoding/base64"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/appfile"
)

func TestValuesHaveTheFormThatIsDeclared(t *testing.T) {
	for _, test := range []struct {
		how  appfile.Generated
		want string
	}{
		{appfile.Generated{Format: appfile.FormatAlphanumeric, Length: 24}, `^[A-Za-z][A-Za-z0-9]{23}$`},
		{appfile.Generated{Format: appfile.FormatDigits, Length: 8}, `^[0-9]{8}$`},
		{appfile.Generated{Format: appfile.FormatHex, Length: 33}, `^[0-9a-f]{33}$`},
		{appfile.Generated{Format: appfile.FormatBase64, Length: 32}, `^[A-Za-z0-9+/]{43}=$`},
		{appfile.Generated{Format: appfile.FormatUUID}, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
	} {
		form := regexp.MustCompile(test.want)
		seen := map[string]bool{}
		for range 100 {
			value := Make(test.how)
			if !form.MatchString(value) || seen[value] {
				t.Fatalf("%s: %q, seen before: %v", test.how.Format, value, seen[value])
			}
			seen[value] = true
		}
		if got := placeholder(test.how); !form.MatchString(got) {
			t.Errorf("%s: the placeholder is %q", test.how.Format, got)
		}
	}
}

// TestAnAlphanumericValueIsTextInYAML: a template may write a value without quotes.
func TestAnAlphanumericValueIsTextInYAML(t *testing.T) {
	for range 1000 {
		var value any
		if err := yaml.Unmarshal([]byte(Make(appfile.Generated{Format: appfile.FormatAlphanumeric, Length: 8})), &value); err != nil {
			t.Fatal(err)
		}
		if _, ok := value.(string); !ok {
			t.Fatalf("%v is a %T", value, value)
		}
	}
}

func TestEachCharacterIsLikely(t *testing.T) {
	counts := map[rune]int{}
	for _, r := range pick(hex, 16000) {
		counts[r]++
	}
	for _, r := range hex {
		if counts[r] < 700 || counts[r] > 1300 { // 1000 ± 10 standard deviations
			t.Errorf("%c: %d of 16000", r, counts[r])
		}
	}
}

func TestBase64IsOfThatManyBytes(t *testing.T) {
	if data, err := base64.StdEncoding.DecodeString(Make(appfile.Generated{Format: appfile.FormatBase64, Length: 20})); err != nil || len(data) != 20 {
		t.Error(data, err)
	}
}

func TestTextsAreThoseThatAreDeclared(t *testing.T) {
	set := Set{"a": {Text: "1"}, "former": {Text: "2"}}
	got := set.Texts([]appfile.Generated{{Path: "a"}, {Path: "new"}})
	if len(got) != 1 || got["a"] != "1" {
		t.Error(got)
	}
}
