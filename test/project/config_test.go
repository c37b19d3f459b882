package project

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/settings"
)

// TestSampleConfigurationIsThatOfTheTable compares config/pushboat.yaml with the table of
// settings, from which it is generated.
func TestSampleConfigurationIsThatOfTheTable(t *testing.T) {
	var want strings.Builder
	if err := settings.WriteSample(&want); err != nil {
		t.Fatal(err)
	}
	sameText(t, "config/pushboat.yaml", read(t, "config/pushboat.yaml"), want.String())
}

// TestReferenceOfSettingsIsThatOfTheTable compares the end of docs/configuration.md with
// the table of settings.
func TestReferenceOfSettingsIsThatOfTheTable(t *testing.T) {
	var want strings.Builder
	if err := settings.WriteMarkdown(&want); err != nil {
		t.Fatal(err)
	}
	_, made, found := strings.Cut(read(t, "docs/configuration.md"), "<!-- What follows is made by `make docs` of the table in internal/settings. -->\n\n")
	if !found {
		t.Fatal("docs/configuration.md lacks the line at which the reference begins")
	}
	sameText(t, "docs/configuration.md", made, want.String())
}

// sameText compares texts line by line, so that a failure shows the first difference.
func sameText(t *testing.T, name, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var is, should string
		if i < len(gotLines) {
			is = gotLines[i]
		}
		if i < len(wantLines) {
			should = wantLines[i]
		}
		if is != should {
			t.Fatalf("%s differs from the table: it has %q, and should have %q; run make docs", name, is, should)
		}
	}
}
